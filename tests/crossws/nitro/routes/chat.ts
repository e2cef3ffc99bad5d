/** A chat, as the documentation of Nitro has it. */
import { defineWebSocketHandler } from 'nitro';

export default defineWebSocketHandler({
  async open(peer) {
    await peer.subscribe('chat');
    peer.send({ welcome: peer.namespace });
  },
  async message(peer, message) {
    if (message.text() === 'fail') throw new Error('a hook of the program failed');
    peer.publish('chat', message.text());
    peer.send(`sent ${message.text()}`);
  },
  error(peer, error) {
    peer.send(`error: ${error.message}`);
  },
});
