/** The options that say which clients a server accepts, and how many. */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { BlockList } from 'node:net';
import type { Rate } from '../connection/token-bucket.js';
import type { OriginPolicy } from '../handshake/origin.js';

/** A response that refuses a client. An object with other members is a context. */
export interface AuthenticationRefusal {
  /** From 200 to 599. */
  status: number;
  /** Header fields to add. */
  headers?: OutgoingHttpHeaders | undefined;
  /** Default: the reason phrase of the status. */
  body?: string | undefined;
}

/** What `authenticate` decides: the context of the connection, or how the client is refused. */
export type Authentication<Context> = Context | AuthenticationRefusal | false | null | undefined;

/** Decides who a client is. */
export type Authenticate<Request, Context> = (
  request: Request,
) => Authentication<Context> | Promise<Authentication<Context>>;

/** Who gets in. The checks are made in the order of these members. */
export interface AdmissionOptions<Request = IncomingMessage> {
  /**
   * Addresses that are refused with 403. It is read at each handshake, so that a program may add to
   * it at any time. Against known attackers. Default: none.
   */
  blockList?: BlockList | undefined;
  /**
   * The most connections, with the handshakes that wait for the program. Another client is refused with 503.
   * Against running out of memory and file descriptors. Default: no limit.
   */
  maxConnections?: number | undefined;
  /**
   * The most connections of one address, with its handshakes in progress. More are refused with 429.
   * The addresses of an IPv6 /64 count as one; clients without an address, as on a Unix socket, are
   * not counted. Against one client that takes the place of all others. Default: no limit.
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * The most handshakes that wait for `authenticate`, `verifyClient` or `shouldHandle`. More are
   * refused with 503. Against a flood that keeps a database busy. Default: no limit.
   */
  maxPendingHandshakes?: number | undefined;
  /**
   * The most handshakes of each address: `burst` at once, then `perSecond` each second. More are
   * refused with 429 and Retry-After. The 100 000 addresses seen last are remembered. Against one
   * client that connects again and again. Default: no limit.
   */
  handshakeRatePerAddress?: Rate | undefined;
  /**
   * The most handshakes in all: `burst` at once, then `perSecond` each second. More are refused with
   * 503 and Retry-After. Against floods from many addresses, and all clients at once after an outage.
   * Default: no limit.
   */
  handshakeRate?: Rate | undefined;
  /**
   * How long a handshake may wait for the program, in milliseconds, over all of its checks. After
   * that it is refused with 503. Against checks that never answer. Default: no limit.
   */
  handshakeTimeout?: number | undefined;
  /**
   * The hosts that the field Host may have: `example.com`, `*.example.com` for its subdomains, either
   * with `:port` if only one port is meant. Others are refused with 403. Against DNS rebinding, which
   * lets a page of any site read from a server in the network of its visitor. Default: every host.
   */
  hosts?: readonly string[] | undefined;
  /**
   * The origins that browsers may connect from. Others are refused with 403, and so are `null` and
   * several origins. `'same'`: the host and port of the field Host. A list: strings such as
   * `https://example.com`, `https://*.example.com`, `example.com` (http or https), `localhost:*`
   * (any port), and regular expressions, which must match the whole origin. A function: it returns
   * whether the origin is accepted, which is undefined if there is none. Requests without Origin are
   * not from browsers: only a function refuses them. Against cross-site WebSocket hijacking: a
   * browser sends its cookies from a page of any site. Default: every origin, as `'*'`, which also
   * turns off the process warning `WS6455_CSWSH`. RFC 6455 §10.2.
   */
  origins?: OriginPolicy<Request> | undefined;
  /**
   * Decides who the client is. What it returns, or the Promise of it, is `socket.context`. false,
   * null and undefined are answered 401; an object `{ status, headers?, body? }` is the response.
   * If it throws, the client is answered 500, and 'callbackError' has the error. It is called before
   * `verifyClient`. Default: every client, without a context.
   */
  authenticate?: Authenticate<Request, unknown> | undefined;
  /**
   * Returns the address that limits count and `blockList` compares; undefined for none. Default: the
   * address of the socket, or with `trustProxy` that of the proxy's client.
   */
  address?: ((request: Request) => string | null | undefined) | undefined;
  /**
   * How many proxies stand between the clients and the server. With n the address is the n-th from
   * the right of X-Forwarded-For: what is further left may be forged. If there are fewer addresses
   * it is that of the socket. Clients that reach the server past the proxies can forge it. Default 0.
   */
  trustProxy?: number | undefined;
}

/** The options that a route cannot have: they are of the whole server. */
export type ServerOnlyOption =
  | 'address'
  | 'backlog'
  | 'blockList'
  | 'broker'
  | 'clientTracking'
  | 'handshakeRate'
  | 'handshakeRatePerAddress'
  | 'host'
  | 'maxConnections'
  | 'maxConnectionsPerAddress'
  | 'maxPendingHandshakes'
  | 'memoryBudget'
  | 'messageMetrics'
  | 'noServer'
  | 'path'
  | 'port'
  | 'server'
  | 'topics'
  | 'trustProxy';

/** A connection with what `authenticate` returned. Without a type of it, the connection as it is. */
export type WithContext<Client, Context> = unknown extends Context
  ? Client
  : Client & { readonly context: ContextOf<Context> };

/** The members that are not undefined: in a union of literals each has the members of all. */
type DefinedKeys<T> = { [K in keyof T]-?: T[K] extends undefined ? never : K }[keyof T];

/** Without the refusals: objects that have no other members than theirs. */
export type ContextOf<Context> = Context extends false | null | undefined
  ? never
  : Context extends { status: number }
    ? [Exclude<DefinedKeys<Context>, keyof AuthenticationRefusal>] extends [never]
      ? never
      : Context
    : Context;
