/**
 * Prints what happens to each connection, a line for each frame and state, to be read beside the RFC. It
 * is loaded with NODE_DEBUG=ws6455 only, and sees no more than any subscriber of the channels.
 */

import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type {
  CloseDiagnostic,
  DropDiagnostic,
  FrameDiagnostic,
  HandshakeDiagnostic,
  OpenDiagnostic,
  ViolationDiagnostic,
} from './channels.js';

/** RFC 6455 §5.2: the names of the opcodes, and the sections about them. */
const OPCODES: Readonly<Record<number, readonly [name: string, section: string]>> = {
  0: ['CONTINUATION', '§5.4'],
  1: ['TEXT', '§5.6'],
  2: ['BINARY', '§5.6'],
  8: ['CLOSE', '§5.5.1'],
  9: ['PING', '§5.5.2'],
  10: ['PONG', '§5.5.3'],
};

/** RFC 6455 §7.4.1 and its registry: what close codes mean. */
const MEANINGS: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no status code',
  1006: 'abnormal closure',
  1007: 'invalid payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'mandatory extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
};

const CLOSE = 8;

/** The members of a request and a WebSocket that are printed. */
interface Named {
  readonly method?: string;
  readonly url?: string;
  readonly protocol?: string;
  readonly extensions?: string;
}

/** The lines of all connections of the process. */
class DebugLog {
  private readonly print: (line: string) => void;
  private count = 0;
  /** The number of a connection, by its WebSocket and by its request. */
  private readonly numbers = new WeakMap<object, number>();
  private readonly roles = new WeakMap<object, string>();
  private readonly closing = new WeakSet<object>();

  constructor(print: (line: string) => void) {
    this.print = print;
  }

  onConnecting({ role, websocket, request, url }: HandshakeDiagnostic): void {
    const { method, url: target } = (request ?? {}) as Named;
    const what = role === 'client' ? `${url}  §4.1` : `${method} ${target}  §4.2.1`;
    this.line(this.nameOf(websocket ?? request, role), 'CONNECTING', what);
  }

  onVerdict(handshake: HandshakeDiagnostic): void {
    const { role, websocket, request, verdict, status, reason, error } = handshake;
    if (verdict === 'accepted') return;
    const why = [verdict, status, reason, error && inspect(error.message)];
    const words = why.filter((word) => word !== undefined).join(' ');
    this.line(this.nameOf(request ?? websocket, role), 'CLOSED', `${words}  §4.2.2, §7.1.7`);
  }

  onOpen({ websocket, role, request }: OpenDiagnostic): void {
    const number = request && this.numbers.get(request);
    if (number !== undefined) this.numbers.set(websocket, number);
    const { protocol, extensions } = websocket as Named;
    const chosen = [protocol && `subprotocol ${protocol}`, extensions && `extension ${extensions}`];
    this.line(this.nameOf(websocket, role), 'OPEN', `${chosen.filter(Boolean).join(', ')}  §4.1`);
  }

  onFrame(frame: FrameDiagnostic): void {
    const { websocket, opcode, direction, bytes, payload } = frame;
    const [name = `opcode ${opcode}`, section = '§5.2'] = OPCODES[opcode] ?? [];
    const close = opcode === CLOSE && payload !== undefined ? `: ${describeClose(payload)}` : '';
    const arrow = direction === 'sent' ? '->' : '<-';
    const what = `${[name, ...bitsOf(frame)].join(' ')}, ${formatBytes(bytes)}${close}  ${section}`;
    this.line(this.nameOf(websocket), arrow, what);
    if (opcode === CLOSE) this.setClosing(websocket);
  }

  onViolation({ websocket, error, closeCode, rfc }: ViolationDiagnostic): void {
    this.line(this.nameOf(websocket), '!!', `${error.message}: ${describeCode(closeCode)}  ${rfc}`);
    this.setClosing(websocket);
  }

  onDrop({ websocket, direction, reason, bytes }: DropDiagnostic): void {
    this.line(
      this.nameOf(websocket),
      '--',
      `message dropped, ${direction}, ${formatBytes(bytes)}: ${reason}`,
    );
  }

  onClose({ websocket, code, closeInfo: { wasClean, by, cause } }: CloseDiagnostic): void {
    const how = `${wasClean ? 'clean' : 'not clean'}, by ${by} (${cause})`;
    this.line(this.nameOf(websocket), 'CLOSED', `${describeCode(code)}, ${how}  §7.1.4`);
  }

  private setClosing(websocket: object): void {
    if (this.closing.has(websocket)) return;
    this.closing.add(websocket);
    this.line(this.nameOf(websocket), 'CLOSING', 'the closing handshake has begun  §7.1.3');
  }

  /** @param key the WebSocket; for a server the request, until there is one */
  private nameOf(key: object = this, role?: string): string {
    const number = this.numbers.get(key) ?? ++this.count;
    this.numbers.set(key, number);
    if (role !== undefined) this.roles.set(key, role);
    return `#${number} ${this.roles.get(key) ?? ''}`.trimEnd();
  }

  private line(name: string, word: string, what: string): void {
    // A terminal would obey control characters of the peer.
    const printable = what.replace(/\p{Cc}/gu, (control) => inspect(control).slice(1, -1));
    this.print(`${name} ${word.padEnd(10)} ${printable}`);
  }
}

function bitsOf({ fin, reserved, masked }: FrameDiagnostic): string[] {
  const bits = {
    FIN: fin,
    RSV1: reserved & 4,
    RSV2: reserved & 2,
    RSV3: reserved & 1,
    MASK: masked,
  };
  return Object.entries(bits).flatMap(([name, isSet]) => (isSet ? [name] : []));
}

function formatBytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}

/** RFC 6455 §5.5.1: a code of two bytes, then the reason. */
function describeClose(payload: Buffer): string {
  if (payload.length < 2) return describeCode(1005);
  const reason = payload.toString('utf8', 2);
  const code = describeCode(payload.readUInt16BE(0));
  return reason === '' ? code : `${code}, ${inspect(reason)}`;
}

function describeCode(code: number): string {
  // RFC 6455 §7.4.2: the ranges of the codes that have no meaning of their own.
  const range = { 3: 'registered', 4: 'private use' }[Math.floor(code / 1000)] ?? 'unknown';
  return `${code} ${MEANINGS[code] ?? range}`;
}

/** Starts to print. @param print gets one line */
export function startDebugLog(print: (line: string) => void): void {
  const log = new DebugLog(print);
  const on = <Message extends object>(name: string, listener: (message: Message) => void): void =>
    subscribe(name, (message) => listener(message as Message));
  on<HandshakeDiagnostic>('tracing:ws6455:handshake:start', (one) => log.onConnecting(one));
  on<HandshakeDiagnostic>('tracing:ws6455:handshake:asyncEnd', (one) => log.onVerdict(one));
  on<OpenDiagnostic>('ws6455:open', (one) => log.onOpen(one));
  on<FrameDiagnostic>('ws6455:frame', (one) => log.onFrame(one));
  on<ViolationDiagnostic>('ws6455:violation', (one) => log.onViolation(one));
  on<DropDiagnostic>('ws6455:drop', (one) => log.onDrop(one));
  on<CloseDiagnostic>('ws6455:close', (one) => log.onClose(one));
}
