/** What is in force: the defaults, and what is made of the options given. */

import { constants } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { checkWindowBits } from './check-options.js';
import type {
  AnySocketClass,
  ConnectionOptions,
  PerMessageDeflateOptions,
  ServerOptions,
  SocketOptions,
} from './options.js';
import type { EndpointOptions } from './protocol/endpoint.js';
import type { Extension } from './protocol/extension.js';
import { MaskingKeys } from './protocol/mask.js';
import type { Role } from './protocol/receiver.js';

/** The longest time that a timer can be set to; a longer one would be over at once. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** The limits and settings in force where nothing is given. */
export const DEFAULTS = Object.freeze({
  maxPayload: 100 * 1024 * 1024,
  maxFragments: 131_072,
  /** Without effect, as is the next: programs read them from `options`. */
  maxBufferedChunks: 262_144,
  maxPendingAutoPongs: 60,
  autoPong: true,
  skipUTF8Validation: false,
  closeTimeout: 30_000,
  maxRedirects: 10,
  /** Our own http server: milliseconds for a request to arrive. node:http's own is 60 000. */
  requestTimeout: 20_000,
  /** How often it looks for requests that are late. */
  connectionsCheckingInterval: 5_000,
});

/**
 * A limit in force: 0 is none. Numbers of any size are kept, where `ws` takes 2^32 for none; a
 * fraction is rounded down, but not to none.
 * @param value what was given; undefined, null and what is no number mean the default
 */
export function limitOf(value: number | string | null | undefined, byDefault: number): number {
  const limit = value === null || value === undefined ? byDefault : Number(value);
  if (limit === Infinity) return 0;
  if (!(limit >= 0)) return byDefault;
  return limit === 0 ? 0 : Math.min(Math.max(1, Math.floor(limit)), constants.MAX_LENGTH);
}

/** A time in force, in milliseconds: what is no time means the default, Infinity the longest. */
export function timeoutOf(value: number | string | null | undefined, byDefault: number): number {
  const milliseconds = value === null || value === undefined ? byDefault : Number(value);
  return milliseconds >= 0 ? Math.min(milliseconds, MAX_TIMEOUT) : byDefault;
}

/** Whether a switch is on: every true value turns it on, every false one but undefined off. */
export function isOn(value: unknown, byDefault: boolean): boolean {
  return value === undefined ? byDefault : Boolean(value);
}

/**
 * The settings of permessage-deflate; undefined if it is off.
 * @throws RangeError for a window that there cannot be
 */
export function deflateOptions(
  given: boolean | PerMessageDeflateOptions | null | undefined,
  byDefault: boolean,
): PerMessageDeflateOptions | undefined {
  const wanted = given === undefined ? byDefault : given;
  if (!wanted) return undefined;
  const options = wanted === true ? {} : wanted;
  checkWindowBits('serverMaxWindowBits', options.serverMaxWindowBits);
  checkWindowBits('clientMaxWindowBits', options.clientMaxWindowBits);
  return options;
}

/** How an endpoint behaves: its limits from `socketOptions`, the rest from the WebSocket's own. */
export function endpointOptions(
  role: Role,
  socketOptions: SocketOptions,
  own: ConnectionOptions,
  extension: Extension | undefined,
): EndpointOptions {
  const { generateMask } = socketOptions;
  return sharedIfSame({
    role,
    receiving: {
      maxPayload: limitOf(socketOptions.maxPayload, 0),
      maxFragments: limitOf(socketOptions.maxFragments, 0),
      checkUtf8: !socketOptions.skipUTF8Validation,
      oneAtATime: !isOn(socketOptions.allowSynchronousEvents, true),
    },
    extension,
    keys: generateMask && new MaskingKeys(generateMask, 4),
    autoPong: isOn(own.autoPong, DEFAULTS.autoPong),
    closeTimeout: timeoutOf(own.closeTimeout, DEFAULTS.closeTimeout),
  });
}

/** Those of the last connection whose options were unlike the ones before. */
let latest: EndpointOptions | undefined;

/** The connections of a server mostly have the same options: 128 bytes that each need not have. */
function sharedIfSame(options: EndpointOptions): EndpointOptions {
  if (options.extension !== undefined) return options; // each connection has its own
  if (latest === undefined || !isSame(latest, options)) latest = options;
  return latest;
}

function isSame(one: EndpointOptions, other: EndpointOptions): boolean {
  const [a, b] = [one.receiving, other.receiving];
  return (
    one.role === other.role &&
    one.keys === other.keys &&
    one.autoPong === other.autoPong &&
    one.closeTimeout === other.closeTimeout &&
    a.maxPayload === b.maxPayload &&
    a.maxFragments === b.maxFragments &&
    a.checkUtf8 === b.checkUtf8 &&
    a.oneAtATime === b.oneAtATime
  );
}

/** A server's options: what was given, over the defaults. */
export function serverOptions<T extends AnySocketClass, U extends typeof IncomingMessage>(
  given: ServerOptions<T, U>,
  Class: AnySocketClass,
): ServerOptions<T, U> {
  const defaults = serverDefaults(Class) as ServerOptions<T, U>;
  const options = { ...defaults, ...given };
  for (const [name, value] of Object.entries(defaults)) {
    if (Reflect.get(options, name) === undefined) Reflect.set(options, name, value);
  }
  if (options.perMessageDeflate === true) options.perMessageDeflate = {};
  return options;
}

function serverDefaults(Class: AnySocketClass): object {
  return {
    allowSynchronousEvents: true,
    autoPong: DEFAULTS.autoPong,
    maxBufferedChunks: DEFAULTS.maxBufferedChunks,
    maxFragments: DEFAULTS.maxFragments,
    maxPayload: DEFAULTS.maxPayload,
    maxPendingAutoPongs: DEFAULTS.maxPendingAutoPongs,
    skipUTF8Validation: DEFAULTS.skipUTF8Validation,
    perMessageDeflate: false,
    handleProtocols: null,
    clientTracking: true,
    closeTimeout: DEFAULTS.closeTimeout,
    verifyClient: null,
    noServer: false,
    backlog: null,
    server: null,
    host: null,
    path: null,
    port: null,
    WebSocket: Class,
  };
}
