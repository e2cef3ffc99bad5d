/** A preset of options for a server on the open internet. */

/**
 * Options for a server that strangers can reach: `new WebSocketServer({ port, ...hardened })`. Later
 * options replace earlier ones. `docs/production.md` explains each line, and how to loosen it.
 */
export const hardened = Object.freeze({
  origins: 'same',
  maxPayload: 1024 * 1024,
  maxConnections: 50_000,
  maxConnectionsPerAddress: 100,
  maxPendingHandshakes: 1_000,
  handshakeRatePerAddress: Object.freeze({ perSecond: 10, burst: 50 }),
  handshakeRate: Object.freeze({ perSecond: 500, burst: 2_000 }),
  handshakeTimeout: 10_000,
  maxBufferedAmount: 4 * 1024 * 1024,
  overflow: 'close',
  heartbeat: true,
  idleTimeout: 120_000,
  closeTimeout: 10_000,
  captureRejections: true,
  unheardErrors: 'close',
} as const);
