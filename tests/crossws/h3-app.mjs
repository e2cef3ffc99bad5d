/** An application of h3 2: a chat at `/chat`, and an ordinary route. Both adapters run it. */
import { defineWebSocketHandler, H3 } from 'h3';

export function makeApp() {
  const app = new H3();
  app.get('/', () => 'plain');
  app.get(
    '/chat',
    defineWebSocketHandler({
      upgrade(request) {
        const name = new URL(request.url).searchParams.get('name');
        if (name === null) return new Response('no name', { status: 401 });
        return { context: { name }, headers: { 'x-name': name } };
      },
      open(peer) {
        peer.subscribe('chat');
        peer.publish('chat', `${peer.context.name} joined`);
      },
      async message(peer, message) {
        peer.send(`you: ${message.text()}`);
        peer.publish('chat', `${peer.context.name}: ${message.text()}`);
      },
      close(peer) {
        peer.publish('chat', `${peer.context.name} left`);
      },
    }),
  );
  return app;
}
