/**
 * What clients of these tests ask their server for, as JSON: `{ subscribe, id }`, `{ unsubscribe }`, and with a
 * history `{ position, id }` and `{ since: { topic: position }, id }`. Answers have the `id`,
 * and an `answer` or an `error`.
 */
export function serveRequests(server, socket) {
  const answers = {
    subscribe: (topics) => socket.subscribe(topics),
    unsubscribe: (topics) => socket.unsubscribe(topics),
    position: (topics) => forEach(topics, (topic) => server.position(topic)),
    since: (positions) =>
      forEach(Object.keys(positions), async (topic) => {
        const { complete, messages, position } = await server.since(topic, positions[topic]);
        return { complete, position, texts: messages.map(({ data }) => String(data)) };
      }),
  };
  socket.on('message', async (data) => {
    const { id, ...request } = JSON.parse(String(data));
    for (const [name, argument] of Object.entries(request)) {
      try {
        const answer = await answers[name](argument);
        if (id !== undefined) socket.send(JSON.stringify({ id, answer }));
      } catch (error) {
        socket.send(JSON.stringify({ id, error: error.message }));
      }
    }
  });
}

async function forEach(topics, get) {
  const entries = topics.map(async (topic) => [topic, await get(topic)]);
  return Object.fromEntries(await Promise.all(entries));
}
