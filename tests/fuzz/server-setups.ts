/** Servers for the comparison with `ws`, with options that both packages have. */
import type { IncomingMessage } from 'node:http';

/** What an option of a server may do with a request: it reports to the events of its socket. */
type EventsOf = (request: IncomingMessage) => string[];

export interface DeflateParameters {
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  serverMaxWindowBits?: number | boolean;
  clientMaxWindowBits?: number | boolean;
}

export interface Setup {
  readonly name: string;
  /** How the server gets its requests: 'server' is the option of that name. */
  readonly mode?: 'server' | 'noServer' | 'port';
  /** Whether the http server answers plain requests. */
  readonly hasRequestListener?: boolean;
  /** Whether 'wsClientError' has a listener. */
  readonly hearsClientErrors?: boolean;
  readonly path?: string;
  readonly deflate?: boolean | DeflateParameters;
  readonly more?: (eventsOf: EventsOf) => object;
  options(eventsOf: EventsOf): object;
}

type Info = { origin: string; secure: boolean; req: IncomingMessage };
type Verdict = (isWelcome: boolean, status?: number, message?: string, fields?: object) => void;

const verifyAtOnce =
  (isWelcome: boolean) =>
  (eventsOf: EventsOf): object => ({
    verifyClient: ({ origin, secure, req }: Info) => {
      eventsOf(req).push(`verifyClient ${origin} ${secure}`);
      return isWelcome;
    },
  });

const verifyLater =
  (...verdict: Parameters<Verdict>) =>
  (eventsOf: EventsOf): object => ({
    verifyClient: ({ origin, req }: Info, answer: Verdict) => {
      eventsOf(req).push(`verifyClient ${origin}`);
      setImmediate(answer, ...verdict);
    },
  });

const choose =
  (choice: (offered: Set<string>) => unknown) =>
  (eventsOf: EventsOf): object => ({
    handleProtocols: (offered: Set<string>, request: IncomingMessage) => {
      eventsOf(request).push(`handleProtocols ${[...offered]}`);
      return choice(offered);
    },
  });

const setup = (one: Omit<Setup, 'options'>): Setup => ({
  ...one,
  options: (eventsOf) => ({
    path: one.path,
    perMessageDeflate: one.deflate ?? false,
    ...one.more?.(eventsOf),
  }),
});

const deflateSetup = (name: string, deflate: DeflateParameters): Setup =>
  setup({ name: `deflate, ${name}`, deflate, mode: 'noServer' });

export const SETUPS: readonly Setup[] = [
  setup({ name: 'default' }),
  setup({ name: 'no server', mode: 'noServer' }),
  setup({ name: 'port', mode: 'port', deflate: true }),
  setup({ name: 'request listener', hasRequestListener: true }),
  setup({ name: 'wsClientError', hearsClientErrors: true, deflate: true }),
  setup({ name: 'path', path: '/chat' }),
  setup({ name: 'path, no server', path: '/chat', mode: 'noServer', hearsClientErrors: true }),
  setup({ name: 'no client tracking', more: () => ({ clientTracking: false }) }),
  setup({ name: 'last subprotocol', more: choose((offered) => [...offered].at(-1)) }),
  setup({ name: 'no subprotocol', more: choose(() => false), deflate: true }),
  setup({ name: 'verifyClient: yes', more: verifyAtOnce(true), deflate: true }),
  setup({ name: 'verifyClient: no', more: verifyAtOnce(false), deflate: true }),
  setup({ name: 'verifyClient, later: yes', more: verifyLater(true), mode: 'noServer' }),
  setup({ name: 'verifyClient, later: no', more: verifyLater(false) }),
  setup({
    name: 'verifyClient, later: 403',
    more: verifyLater(false, 403, 'not you', { 'X-Why': 'because' }),
  }),
  setup({ name: 'deflate', deflate: true }),
  setup({ name: 'deflate, request listener', deflate: true, hasRequestListener: true }),
  deflateSetup('server takeover off', { serverNoContextTakeover: true }),
  deflateSetup('server takeover on', { serverNoContextTakeover: false }),
  deflateSetup('client takeover off', { clientNoContextTakeover: true }),
  deflateSetup('client takeover on', { clientNoContextTakeover: false }),
  deflateSetup('server window 10', { serverMaxWindowBits: 10 }),
  deflateSetup('server window free', { serverMaxWindowBits: true }),
  deflateSetup('server window fixed', { serverMaxWindowBits: false }),
  deflateSetup('client window 10', { clientMaxWindowBits: 10 }),
  deflateSetup('client window free', { clientMaxWindowBits: true }),
  deflateSetup('client window fixed', { clientMaxWindowBits: false }),
  deflateSetup('everything', {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 12,
  }),
];
