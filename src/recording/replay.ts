/** Sends what one end of a recorded connection sent, and compares what the other end answers. */

import { type Address, readAddress } from '../client/url.js';
import {
  checkFunctions,
  checkNumbers,
  checkWord,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { connectionsOf, type RecordedConnection } from './connections.js';
import type { RecordingRecord } from './records.js';
import type { ReplayResult } from './replay-comparison.js';
import { planFor } from './replay-plan.js';
import { ReplaySession } from './replay-session.js';
import { acceptOne, connectTo, type ReplayTlsOptions } from './replay-socket.js';

/** The options of {@link replay}. */
export interface ReplayOptions {
  /** As a client: what to connect to. As a server: where to listen; port 0 is any free port. */
  readonly url: string | URL;
  /** The end to play. Default 'client'. */
  readonly as?: 'client' | 'server' | undefined;
  /**
   * When to send: 'wait' when the peer has sent as much as in the recording, 'original' after the time
   * of the recording, 'asap' at once. Default 'wait'.
   */
  readonly timing?: 'original' | 'asap' | 'wait' | undefined;
  /** Which connection of the recording, by its number. Default: its first one. */
  readonly connection?: number | undefined;
  /** How long to wait for the peer without any byte of it, in milliseconds. Default 5000. */
  readonly timeout?: number | undefined;
  /** Certificates for wss:, and `rejectUnauthorized`. */
  readonly tls?: ReplayTlsOptions | undefined;
  /** Ends the replay; the promise is rejected with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each record of the new connection: the replay is recorded too. */
  readonly onRecord?: ((record: RecordingRecord) => void) | undefined;
  /** As a server: called with the URL when the port is open. */
  readonly onListening?: ((url: string) => void) | undefined;
}

const OPTION_NAMES = [
  ...['url', 'as', 'timing', 'connection', 'timeout'],
  ...['tls', 'signal', 'onRecord', 'onListening'],
];

const DEFAULT_TIMEOUT = 5000;

/**
 * Replays one connection of a recording. The frames are sent byte for byte, also wrong ones, and with
 * the recorded masking keys. A Ping of the peer is not answered, unless the recording has a Pong.
 * @throws SyntaxError for a recording that has no such connection; TypeError or RangeError for a wrong
 * option; the error of the socket if the connection cannot be made
 */
export async function replay(
  records: readonly RecordingRecord[],
  options: ReplayOptions,
): Promise<ReplayResult> {
  checkOptions(options);
  const { as = 'client', timing = 'wait', timeout = DEFAULT_TIMEOUT, signal } = options;
  const address = readTcpAddress(options.url);
  const plan = planFor(findConnection(records, options.connection), as);
  const { tls = {}, onListening = () => {}, onRecord } = options;
  signal?.throwIfAborted();
  const socket =
    as === 'client'
      ? await connectTo(address, tls, signal)
      : await acceptOne(address, tls, signal, onListening);
  const session = new ReplaySession(socket, plan, {
    as,
    timing,
    timeout,
    signal,
    onRecord,
    address,
  });
  return session.run();
}

function checkOptions(options: ReplayOptions): void {
  checkNumbers(options, { timeout: 'a number of milliseconds' });
  checkWord(options, 'as', ['client', 'server']);
  checkWord(options, 'timing', ['original', 'asap', 'wait']);
  checkFunctions(options, ['onRecord', 'onListening']);
  warnOfUnknownOptions(options, OPTION_NAMES, 'replay');
}

function readTcpAddress(url: string | URL): Address {
  const address = readAddress(url);
  if (address.socketPath === undefined) return address;
  throw new TypeError('A replay goes over TCP: the URL begins with ws: or wss:');
}

function findConnection(
  records: readonly RecordingRecord[],
  number: number | undefined,
): RecordedConnection {
  const all = connectionsOf(records);
  const found = number === undefined ? all[0] : all.find((one) => one.connection === number);
  if (found !== undefined) return found;
  const numbers = all.map((one) => one.connection).join(', ');
  throw new SyntaxError(
    all.length === 0
      ? 'The recording has no connection'
      : `The recording has no connection ${describeValue(number)}; it has ${numbers}`,
  );
}
