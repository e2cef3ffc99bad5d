/** A worker of node:cluster that runs the functions which its primary process sends. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const topics = require('../../../dist/topics/index.js');
const WebSocket = require('../../../dist/index.js');

/** A broker that notes what it hears. */
async function listen(options) {
  const broker = topics.cluster(options);
  const received = [];
  const statuses = [];
  const events = {
    message: (topic, data, position) => received.push({ topic, text: `${data}`, position }),
    status: (isUp, error) => statuses.push(isUp ? 'up' : error.message),
  };
  return { broker, events, received, statuses };
}

const context = { topics, WebSocket, listen, warnings: [] };
process.on('warning', ({ message }) => context.warnings.push(message));

process.on('message', async (message) => {
  if (message?.run === undefined) return;
  const { run, source, given } = message;
  try {
    const code = new Function(`return (${source})`)();
    process.send({ ran: run, value: await code(context, given) });
  } catch (error) {
    process.send({ ran: run, error: error.stack ?? `${error}` });
  }
});

process.send('ready');
