/** Clients for the comparison with `ws`, with options that both packages have. */
import type { DeflateParameters } from './server-setups.js';

export interface ClientSetup {
  readonly name: string;
  readonly subprotocols?: readonly string[];
  readonly deflate?: boolean | DeflateParameters;
  /** Whether 'unexpected-response' has a listener. */
  readonly hearsResponses?: boolean;
  /** Whether 'redirect' has a listener. */
  readonly hearsRedirects?: boolean;
  /** 0 for none */
  readonly maxRedirects?: number;
}

const deflate = (name: string, parameters: DeflateParameters): ClientSetup => ({
  name: `deflate, ${name}`,
  deflate: parameters,
});

export const CLIENT_SETUPS: readonly ClientSetup[] = [
  { name: 'default' },
  { name: 'subprotocol', subprotocols: ['chat'] },
  { name: 'subprotocols', subprotocols: ['superchat', 'chat', 'v1.json'] },
  { name: 'deflate and subprotocol', subprotocols: ['chat'], deflate: true },
  { name: 'unexpected-response', hearsResponses: true },
  { name: 'redirects', maxRedirects: 3 },
  { name: 'redirects, redirect', maxRedirects: 3, hearsRedirects: true },
  { name: 'redirects, unexpected-response', maxRedirects: 1, hearsResponses: true },
  { name: 'deflate', deflate: true },
  deflate('server takeover off', { serverNoContextTakeover: true }),
  deflate('client takeover off', { clientNoContextTakeover: true }),
  deflate('client takeover on', { clientNoContextTakeover: false }),
  deflate('server window 10', { serverMaxWindowBits: 10 }),
  deflate('client window 10', { clientMaxWindowBits: 10 }),
  deflate('client window free', { clientMaxWindowBits: true }),
  deflate('client window fixed', { clientMaxWindowBits: false }),
];
