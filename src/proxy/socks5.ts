/** RFC 1928, RFC 1929: a connection through a SOCKS5 proxy. */

import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { groupsOf } from '../connection/ip-address.js';
import { HandshakeError } from '../handshake/errors.js';
import { type Credentials, MORE, type ProxyDialogue, type Step, type Target } from './dialogue.js';
import { PROXY_FAILURES } from './failures.js';

const VERSION = 5;
const CONNECT = 1;

/** RFC 1928 §3: the methods of authentication. */
const METHOD = { NONE: 0, PASSWORD: 2, NOT_ACCEPTABLE: 0xff } as const;

/** RFC 1928 §4: the types of an address. */
const ADDRESS = { IPV4: 1, NAME: 3, IPV6: 4 } as const;

/** RFC 1929 §2: the version of the authentication. */
const PASSWORD_VERSION = 1;

/** RFC 1928 §6: the meanings of a reply. */
const REPLIES: Readonly<Record<number, string>> = {
  1: 'general failure of the SOCKS server',
  2: 'its rules do not allow the connection',
  3: 'the network is unreachable',
  4: 'the host is unreachable',
  5: 'the connection was refused',
  6: 'the TTL expired',
  7: 'it does not support the command',
  8: 'it does not support the type of the address',
};

type State = 'method' | 'password' | 'reply';

/** Asks a SOCKS5 proxy for a connection. */
export class Socks5 implements ProxyDialogue {
  private readonly target: Target;
  private readonly credentials: Credentials | undefined;
  private received: Buffer = Buffer.alloc(0);
  private state: State = 'method';

  constructor(target: Target, credentials: Credentials | undefined) {
    this.target = target;
    this.credentials = credentials;
  }

  // RFC 1928 §3: the version, and the methods of authentication that the client has.
  start(): Buffer {
    const methods = this.credentials === undefined ? [METHOD.NONE] : [METHOD.NONE, METHOD.PASSWORD];
    return Buffer.from([VERSION, methods.length, ...methods]);
  }

  /** The proxy sends nothing before it was asked, so each part of the dialogue has its own bytes. */
  receive(bytes: Buffer): Step {
    this.received = Buffer.concat([this.received, bytes]);
    if (this.state === 'reply') return this.readReply();
    if (this.received.length < 2) return this.checkVersion();
    this.checkVersion();
    const [, answer = METHOD.NOT_ACCEPTABLE] = this.received;
    this.received = this.received.subarray(2);
    if (this.received.length > 0) throw invalid('it has more bytes than it should');
    return this.state === 'method' ? this.readMethod(answer) : this.readPasswordStatus(answer);
  }

  /** A proxy that speaks another protocol should not be waited for. */
  private checkVersion(): Step {
    const [version] = this.received;
    const expected = this.state === 'password' ? PASSWORD_VERSION : VERSION;
    if (version === undefined || version === expected) return MORE;
    throw invalid(`it is not SOCKS5 (the first byte is ${version})`);
  }

  private readMethod(method: number): Step {
    if (method === METHOD.NONE) return this.request();
    if (method === METHOD.PASSWORD && this.credentials !== undefined) {
      this.state = 'password';
      return { send: writePassword(this.credentials) };
    }
    if (method !== METHOD.NOT_ACCEPTABLE) {
      throw invalid(`it has chosen the method ${method}, which was not offered`);
    }
    const reason =
      this.credentials === undefined
        ? 'it needs authentication, and the URL of the proxy has no user name and password'
        : 'it accepts no user name and password';
    throw new HandshakeError(PROXY_FAILURES.AUTHENTICATION, 0, reason);
  }

  // RFC 1929 §2: the status 0 is success, any other one a failure.
  private readPasswordStatus(status: number): Step {
    if (status === 0) return this.request();
    const reason = 'it did not accept the user name and the password';
    throw new HandshakeError(PROXY_FAILURES.AUTHENTICATION, 0, reason);
  }

  private request(): Step {
    this.state = 'reply';
    return { send: writeRequest(this.target) };
  }

  // RFC 1928 §6: the version, the reply, a reserved byte, and the address of the proxy's own end.
  private readReply(): Step {
    this.checkVersion();
    const { received } = this;
    const [, reply = 0, reserved = 0, type, nameLength] = received;
    if (reply !== 0) throw refusal(reply);
    if (reserved !== 0) throw invalid(`its reserved byte is ${reserved}`);
    const length = addressLength(type, nameLength);
    if (length === undefined) return MORE;
    const end = 4 + length + 2;
    return received.length < end ? MORE : { rest: received.subarray(end) };
  }
}

/** @returns undefined while the type, or the length of the name, is not received */
function addressLength(type: number | undefined, nameLength: number | undefined) {
  if (type === undefined) return undefined;
  if (type === ADDRESS.IPV4) return 4;
  if (type === ADDRESS.IPV6) return 16;
  if (type === ADDRESS.NAME) return nameLength === undefined ? undefined : 1 + nameLength;
  throw invalid(`it has an address of the unknown type ${type}`);
}

// RFC 1929 §2: the version, then the user name and the password, each after its length.
function writePassword({ user, password }: Credentials): Buffer {
  return Buffer.concat([Buffer.of(PASSWORD_VERSION), withLength(user), withLength(password)]);
}

// RFC 1928 §4: the version, the command, a reserved byte, the address and the port.
function writeRequest({ host, port }: Target): Buffer {
  const head = Buffer.of(VERSION, CONNECT, 0);
  return Buffer.concat([head, writeAddress(host), Buffer.of(port >> 8, port & 0xff)]);
}

// RFC 1928 §5: an IP address as its bytes, a name after its length.
function writeAddress(host: string): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.of(ADDRESS.IPV4, ...host.split('.').map(Number));
  if (family === 0) return Buffer.concat([Buffer.of(ADDRESS.NAME), withLength(host)]);
  const pairs = groupsOf(host).map((group) => Number.parseInt(group, 16));
  return Buffer.of(ADDRESS.IPV6, ...pairs.flatMap((pair) => [pair >> 8, pair & 0xff]));
}

/** The caller has checked that the text has at most 255 bytes. */
function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function refusal(reply: number): HandshakeError {
  const meaning = REPLIES[reply] ?? 'an unknown reason';
  return new HandshakeError(PROXY_FAILURES.REFUSED, 0, `${meaning} (SOCKS5 reply ${reply})`);
}

function invalid(detail: string): HandshakeError {
  return new HandshakeError(PROXY_FAILURES.INVALID_RESPONSE, 0, detail);
}
