/** What bundlers for browsers get: the browser's own WebSocket; the other names throw when used. */

type Constructor = new (...args: never[]) => object;

function refuse(name: string): never {
  throw new Error(`ws6455: there is no ${name} in a browser, only its own WebSocket`);
}

/** A class that is not there in a browser, and says so. */
function absent(name: string): Constructor {
  return class {
    constructor() {
      refuse(name);
    }
  };
}

/** A function that is not there in a browser, and says so. */
function absentFunction(name: string): () => never {
  return () => refuse(name);
}

const own: Constructor =
  (globalThis as { WebSocket?: Constructor }).WebSocket ?? absent('WebSocket');

const WebSocketServer = absent('WebSocketServer');

const names = {
  WebSocket: own,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream: absentFunction('createWebSocketStream'),
  hardened: Object.freeze({}),
  METRICS_CONTENT_TYPE: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  connect: absentFunction('connect'),
  prepareMessage: absentFunction('prepareMessage'),
  extension: { parse: absentFunction('extension'), format: absentFunction('extension') },
  PerMessageDeflate: absent('PerMessageDeflate'),
  Receiver: absent('Receiver'),
  Sender: absent('Sender'),
  subprotocol: { parse: absentFunction('subprotocol') },
  WebSocketError: absent('WebSocketError'),
  HandshakeError: absent('HandshakeError'),
  ProtocolError: absent('ProtocolError'),
  CloseError: absent('CloseError'),
};

// The names are found on the class, as in Node; the browser's own class is left as it is.
const handedOn = new Proxy(own, {
  get: (target, name) => Reflect.get(Object.hasOwn(names, name) ? names : target, name),
  has: (target, name) => Object.hasOwn(names, name) || Reflect.has(target, name),
}) as Constructor & typeof names;

export = handedOn;
