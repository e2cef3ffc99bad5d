/** Checks the options of a server in its constructor. */

import {
  CONNECTION_OPTIONS,
  checkConnectionOptions,
  checkFunctions,
  checkNumbers,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import type { ServerOnlyOption } from './admission-options.js';
import type { Broker } from './broker.js';
import { ADMISSION_OPTIONS, checkAdmissionOptions } from './check-admission.js';
import type { AnySocketClass, ServerOptions } from './options.js';
import { checkCloseCode } from './shutdown-options.js';

const SERVER_OPTIONS: readonly string[] = [
  ...CONNECTION_OPTIONS,
  ...ADMISSION_OPTIONS,
  'WebSocket',
  'backlog',
  'broker',
  'clientTracking',
  'handleProtocols',
  'host',
  'maxLifetime',
  'memoryBudget',
  'messageMetrics',
  'noServer',
  'path',
  'port',
  'server',
  'topics',
  'verifyClient',
];

/** The names in the type `ServerOnlyOption`. */
const SERVER_ONLY: readonly string[] = [
  'address',
  'backlog',
  'blockList',
  'broker',
  'clientTracking',
  'handshakeRate',
  'handshakeRatePerAddress',
  'host',
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxPendingHandshakes',
  'memoryBudget',
  'messageMetrics',
  'noServer',
  'path',
  'port',
  'server',
  'topics',
  'trustProxy',
] satisfies ServerOnlyOption[];

const BROKER_METHODS = [
  'start',
  'subscribe',
  'unsubscribe',
  'publish',
  'close',
] as const satisfies (keyof Broker)[];

const WANTED = 'One and only one of the "port", "server", or "noServer" options must be specified';

/** Checks the argument `options`; undefined and null mean none. @throws TypeError for another type */
export function checkIsObject(options: unknown): void {
  if (options === undefined || options === null || typeof options === 'object') return;
  const hint = typeof options === 'number' ? `; did you mean { port: ${options} }?` : '';
  const given = describeValue(options);
  throw new TypeError(`The options of a WebSocketServer must be an object${hint}: ${given}`);
}

/**
 * Checks the options of a server.
 * @param comparesPath whether the option `path` is used; false if `shouldHandle` is overridden
 * @throws TypeError or RangeError, as for a server
 */
export function checkServerOptions(
  options: ServerOptions<AnySocketClass>,
  comparesPath: boolean,
): void {
  warnOfUnknownOptions(options, SERVER_OPTIONS, 'WebSocketServer');
  checkMode(options);
  checkNumbers(options, {
    backlog: 'a number of connections',
    memoryBudget: 'a number of bytes, 0 or Infinity for no limit',
  });
  checkEndpointOptions(options);
  checkBroker(options.broker);
  if (options.topics) checkTopics(options.topics, options.broker);
  if (comparesPath) checkPath(options.path);
}

/** Checks the arguments of `route`. @throws TypeError or RangeError for the first mistake */
export function checkRoute(options: object, listener: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options of a route must be an object: ${describeValue(options)}`);
  }
  if (typeof listener !== 'function') {
    const given = describeValue(listener);
    throw new TypeError(`The listener of a route must be a function: ${given} was given`);
  }
  const known = SERVER_OPTIONS.filter((name) => !SERVER_ONLY.includes(name));
  const misplaced = Object.keys(options).find((name) => SERVER_ONLY.includes(name));
  if (misplaced !== undefined) {
    throw new TypeError(
      `A route cannot have the option ${misplaced}, which is of the whole server: ` +
        'give it to the WebSocketServer',
    );
  }
  warnOfUnknownOptions(options, known, 'A route');
  checkEndpointOptions(options);
}

function checkEndpointOptions(options: ServerOptions<AnySocketClass>): void {
  checkConnectionOptions(options);
  checkAdmissionOptions(options);
  checkFunctions(options, ['verifyClient', 'handleProtocols']);
  checkMaxLifetime(options.maxLifetime);
  checkClass(options.WebSocket);
}

/** @throws TypeError or RangeError for a lifetime that cannot be kept */
function checkMaxLifetime(lifetime: unknown): void {
  if (lifetime === undefined || lifetime === null) return;
  if (typeof lifetime !== 'object') {
    throw new TypeError(
      'The option maxLifetime must be an object, such as { after: 3_600_000 }: ' +
        `${describeValue(lifetime)} was given`,
    );
  }
  const { after, jitter = 0, code } = lifetime as { [name: string]: unknown };
  checkRange('after', after, Infinity, 'milliseconds, 0 or Infinity for no limit');
  checkRange('jitter', jitter, 1, '0 to 1');
  checkCloseCode('maxLifetime.code', code);
  warnOfUnknownOptions(lifetime, ['after', 'jitter', 'code'], 'maxLifetime');
}

function checkRange(name: string, value: unknown, max: number, range: string): void {
  if (typeof value === 'number' && value >= 0 && value <= max) return;
  const ErrorClass = typeof value === 'number' ? RangeError : TypeError;
  throw new ErrorClass(
    `The option maxLifetime.${name} must be a number of ${range}: ${describeValue(value)} was given`,
  );
}

function checkMode({ port, server, noServer }: ServerOptions<AnySocketClass>): void {
  const modes = [port !== null && port !== undefined, Boolean(server), Boolean(noServer)];
  if (modes.filter(Boolean).length !== 1) throw new TypeError(WANTED);
  if (server) checkServer(server);
}

function checkBroker(broker: unknown): void {
  if (broker === undefined || broker === null) return;
  const missing = BROKER_METHODS.find(
    (name) => typeof Reflect.get(Object(broker), name) !== 'function',
  );
  if (missing === undefined) return;
  throw new TypeError(
    `The option broker must be an object with the methods ${BROKER_METHODS.join(', ')}: ` +
      `${describeValue(broker)} has no ${missing}`,
  );
}

/** Few programs have it: what checks it is loaded with the first one. */
function checkTopics(topics: unknown, broker: Broker | null | undefined): void {
  const { checkTopicsOption } =
    require('./topic-options.js') as typeof import('./topic-options.js');
  checkTopicsOption(topics, broker);
}

/** Any emitter is accepted: programs pass wrappers of http servers, and stubs in tests. */
function checkServer(server: object): void {
  const isEmitter = ['on', 'listeners', 'removeListener'].every(
    (name) => typeof Reflect.get(server, name) === 'function',
  );
  if (isEmitter && typeof server !== 'function') return;
  const given = describeValue(server);
  throw new TypeError(
    `The option server must be a server of node:http or node:https, and not ${given}: ` +
      'of an application make one with http.createServer(app), and let it listen',
  );
}

/** Checks that a value is a constructor. Only `construct` of the language can do that. */
function checkClass(Class: unknown): void {
  if (!Class) return;
  try {
    Reflect.construct(Object, [], Class as AnySocketClass);
  } catch {
    const given = describeValue(Class);
    throw new TypeError(`The option WebSocket must be a class that extends WebSocket: ${given}`);
  }
}

/** RFC 6455 §4.2.1: the path of a request begins with a slash; its query is not compared. */
function checkPath(path: unknown): void {
  if (!path || (typeof path === 'string' && /^\/[^?]*$/.test(path))) return;
  throw new TypeError(
    'The option path must be a string that begins with a slash and has no query: ' +
      `${describeValue(path)} would match no request`,
  );
}
