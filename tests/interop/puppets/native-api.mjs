/**
 * A client with the API of the WHATWG's `WebSocket`: Node's own, or the browser's (where the text of
 * this function is what the page runs, so it names nothing from outside).
 */
export function openNative({ id, url, protocols }, report, drop) {
  const socket = new WebSocket(url, protocols);
  const orders = {
    close: (parameters) => socket.close(...parameters),
    drop,
    leave: () => location.assign('about:blank'),
  };
  socket.binaryType = 'arraybuffer';
  socket.onopen = () =>
    report({ id, opened: { protocol: socket.protocol, extensions: socket.extensions } });
  socket.onclose = ({ code, reason }) => report({ id, closed: { code, reason } });
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string' || !data.startsWith('do:')) return socket.send(data);
    for (const [name, parameters] of Object.entries(JSON.parse(data.slice(3)))) {
      orders[name](parameters);
    }
  };
}
