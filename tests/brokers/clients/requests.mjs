/**
 * What clients of these tests ask their server for, as JSON: `{ subscribe, id, since }`, `{ unsubscribe }`.
 * The answer of the first is `{ subscribed: id }`.
 */
export function serveRequests(server, socket) {
  socket.on('message', async (data) => {
    const { id, subscribe, unsubscribe } = JSON.parse(String(data));
    if (unsubscribe !== undefined) socket.unsubscribe(unsubscribe);
    if (subscribe === undefined) return;
    await socket.subscribe(subscribe);
    socket.send(JSON.stringify({ subscribed: id }));
  });
}
