/** RFC 6455 §4: what each line of a handshake means, and which rule it breaks. */

import { Buffer } from 'node:buffer';
import { HandshakeError, REFUSALS, type Refusal } from '../handshake/errors.js';
import {
  acceptFor,
  isKey,
  listHas,
  parseExtensions,
  parseSubprotocols,
  trim,
} from '../handshake/fields.js';
import { fieldValue } from '../recording/http-head.js';
import { spaced } from '../sans-io/to-bytes.js';
import { explainExtensions } from './extension-meaning.js';
import type { HandshakeLine } from './messages.js';

/** What is said about a line. */
interface Explained {
  readonly meaning: string;
  readonly rfc: string;
  readonly violation?: string | undefined;
}

/** Explains a field. @param request the head of the request, for a response */
type Explain = (value: string, request: string) => Explained;

/** Explains the lines of a request. RFC 6455 §4.2.1. */
export function describeRequest(head: string): HandshakeLine[] {
  return describeLines(head, '', explainRequestLine, REQUEST_FIELDS);
}

/** Explains the lines of a response. @param request the head of the request that it answers */
export function describeResponse(head: string, request: string): HandshakeLine[] {
  return describeLines(head, request, explainStatusLine, RESPONSE_FIELDS);
}

function describeLines(
  head: string,
  request: string,
  explainStart: (line: string) => Explained,
  fields: Readonly<Record<string, Explain>>,
): HandshakeLine[] {
  const [start = '', ...lines] = head.replace(/\r\n\r\n$/, '').split('\r\n');
  const described = [{ text: start, ...explainStart(start) }];
  const counts = new Map<string, number>();
  for (const text of lines) {
    const name = text.slice(0, Math.max(0, text.indexOf(':'))).toLowerCase();
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const explained = count > MAX_SAME ? REPEATED : explainField(text, request, fields);
    described.push({ text, ...explained });
  }
  return described;
}

/** A field is explained so many times: each time the head of the request is read. */
const MAX_SAME = 20;

const REPEATED: Explained = {
  meaning: 'the same field once more, as many times before',
  rfc: 'RFC 9110 §5.3',
};

function explainField(
  text: string,
  request: string,
  fields: Readonly<Record<string, Explain>>,
): Explained {
  const [, name = '', value = ''] = /^([^\s:]+):(.*)$/s.exec(text) ?? [];
  if (name === '') {
    return {
      meaning: 'no header field',
      rfc: 'RFC 9112 §5',
      violation: 'A field is "name: value"',
    };
  }
  const explain = fields[name.toLowerCase()];
  return explain?.(trim(value), request) ?? OTHER;
}

const OTHER: Explained = {
  meaning: 'A field of HTTP that the WebSocket protocol does not use',
  rfc: 'RFC 6455 §4.1, RFC 9110 §6.3',
};

function violationIf(isBroken: boolean, refusal: Refusal): Pick<Explained, 'violation'> {
  return isBroken ? { violation: new HandshakeError(refusal).message } : {};
}

function explainRequestLine(line: string): Explained {
  const [, method, target, version] = /^(\S+) (\S+) HTTP\/(\d\.\d)$/.exec(line) ?? [];
  const meaning = `The method ${method}, the resource name ${target}, and version ${version} of HTTP`;
  const isWrongVersion = version === undefined || Number(version) < 1.1;
  const refusal = method === 'GET' ? 'INVALID_HTTP_VERSION' : 'INVALID_METHOD';
  return {
    meaning: method === undefined ? 'no request line of HTTP' : meaning,
    rfc: REFUSALS.INVALID_METHOD.rfc,
    ...violationIf(method !== 'GET' || isWrongVersion, refusal),
  };
}

function explainStatusLine(line: string): Explained {
  const [, status = '?'] = /^HTTP\/\d\.\d (\d{3})/.exec(line) ?? [];
  const rfc = 'RFC 6455 §4.1, §4.2.2';
  if (status === '101') {
    return { meaning: 'The server accepts: behind the empty line there are frames', rfc };
  }
  const violation = `Unexpected server response: ${status}`;
  return { meaning: 'The server does not accept: no WebSocket is opened', rfc, violation };
}

function explainHost(value: string): Explained {
  const meaning = `The host and the port that the client means: ${value}. A server may have several`;
  return {
    meaning,
    rfc: 'RFC 6455 §4.2.1, RFC 9112 §3.2',
    ...violationIf(!/^[^\s,/?#@]+$/.test(value), 'INVALID_HOST'),
  };
}

function explainUpgrade(value: string): Explained {
  return {
    meaning: 'The protocol to change to, in place of HTTP',
    rfc: 'RFC 6455 §4.2.1, RFC 9110 §7.8',
    ...violationIf(!listHas(value, 'websocket'), 'INVALID_UPGRADE'),
  };
}

function explainConnection(value: string): Explained {
  return {
    meaning: 'Upgrade is meant for this connection only: a proxy must not pass it on blindly',
    rfc: 'RFC 6455 §4.2.1, RFC 9110 §7.6.1',
    ...violationIf(!listHas(value, 'upgrade'), 'INVALID_CONNECTION'),
  };
}

function explainKey(value: string): Explained {
  const bytes = Buffer.from(value, 'base64');
  const digits = spaced(bytes.toString('hex'));
  return {
    meaning:
      `${bytes.length} random bytes in base64: ${digits}. They are no secret. The server proves ` +
      'with them that it has read this request as a WebSocket handshake',
    rfc: 'RFC 6455 §4.1, §11.3.1',
    ...violationIf(!isKey(value), 'INVALID_KEY'),
  };
}

function explainVersion(value: string): Explained {
  return {
    meaning: 'The version of the protocol: 13 is that of RFC 6455',
    rfc: 'RFC 6455 §4.1, §11.6',
    ...violationIf(value !== '13', 'INVALID_VERSION'),
  };
}

function explainVersions(value: string): Explained {
  return { meaning: `The versions that the server understands: ${value}`, rfc: 'RFC 6455 §4.4' };
}

function explainAccept(value: string, request: string): Explained {
  const rfc = 'RFC 6455 §4.2.2, §1.3';
  const key = fieldValue(request, 'sec-websocket-key');
  if (key === undefined) return { meaning: 'The answer to a Sec-WebSocket-Key', rfc };
  const computed = acceptFor(key);
  const matches = computed === value;
  return {
    meaning:
      `The answer to Sec-WebSocket-Key: base64(SHA-1("${key}" + ` +
      `"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) = ${computed}, ` +
      (matches ? 'which is the value' : 'which is not the value'),
    rfc,
    ...violationIf(!matches, 'INVALID_ACCEPT'),
  };
}

function explainRequested(value: string): Explained {
  return {
    meaning: `The subprotocols that the client speaks, the preferred one first: ${value}`,
    rfc: 'RFC 6455 §1.9, §11.3.4',
    ...violationIf(parseSubprotocols(value) === undefined, 'INVALID_SUBPROTOCOLS'),
  };
}

function explainChosen(value: string, request: string): Explained {
  const requested = fieldValue(request, 'sec-websocket-protocol');
  const all = parseSubprotocols(requested ?? '') ?? new Set<string>();
  const refusal = requested === undefined ? 'UNREQUESTED_SUBPROTOCOL' : 'INVALID_SUBPROTOCOL';
  return {
    meaning: `The subprotocol that the server has chosen: ${value}`,
    rfc: 'RFC 6455 §1.9, §4.2.2',
    ...violationIf(request !== '' && !all.has(value), refusal),
  };
}

function explainOffers(value: string): Explained {
  return {
    meaning: `The client offers: ${explainExtensions(value)}`,
    rfc: 'RFC 6455 §9.1, RFC 7692 §7',
    ...violationIf(parseExtensions(value) === undefined, 'INVALID_EXTENSIONS'),
  };
}

function explainAgreed(value: string, request: string): Explained {
  const offered = fieldValue(request, 'sec-websocket-extensions');
  const names = (parseExtensions(offered ?? '') ?? []).map(({ name }) => name);
  const agreed = parseExtensions(value);
  const isKnown = agreed?.every(({ name }) => names.includes(name)) ?? false;
  const refusal =
    agreed === undefined
      ? 'INVALID_EXTENSIONS_RESPONSE'
      : offered === undefined
        ? 'UNREQUESTED_EXTENSIONS'
        : 'UNREQUESTED_EXTENSION';
  return {
    meaning: `Both use: ${explainExtensions(value)}`,
    rfc: 'RFC 6455 §9.1, RFC 7692 §7',
    ...violationIf(request !== '' && !isKnown, refusal),
  };
}

/** Fields that requests and responses explain alike. */
const COMMON: Readonly<Record<string, Explain>> = {
  upgrade: explainUpgrade,
  connection: explainConnection,
  date: () => ({ meaning: 'The time at the server', rfc: 'RFC 9110 §6.6.1' }),
  'content-length': (value) => ({ meaning: `${value} bytes follow`, rfc: 'RFC 9110 §8.6' }),
};

const REQUEST_FIELDS: Readonly<Record<string, Explain>> = {
  ...COMMON,
  host: explainHost,
  'sec-websocket-key': explainKey,
  'sec-websocket-version': explainVersion,
  'sec-websocket-protocol': explainRequested,
  'sec-websocket-extensions': explainOffers,
  'sec-websocket-accept': () => ({
    meaning: 'only a response has it',
    rfc: 'RFC 6455 §11.3.3',
    violation: 'Sec-WebSocket-Accept is not for requests',
  }),
  origin: (value) => ({
    meaning:
      `The page that connects is of ${value}. A browser always sends it, so that a server can ` +
      'refuse the pages of others',
    rfc: 'RFC 6455 §4.1, §10.2',
  }),
  cookie: () => ({ meaning: 'What the server knows the user by', rfc: 'RFC 6455 §4.1, RFC 6265' }),
  authorization: () => ({ meaning: 'Who the user is', rfc: 'RFC 6455 §10.5, RFC 9110 §11.6.2' }),
  'user-agent': () => ({ meaning: 'The name of the client', rfc: 'RFC 9110 §10.1.5' }),
};

const RESPONSE_FIELDS: Readonly<Record<string, Explain>> = {
  ...COMMON,
  'sec-websocket-accept': explainAccept,
  'sec-websocket-protocol': explainChosen,
  'sec-websocket-extensions': explainAgreed,
  'sec-websocket-version': explainVersions,
  'set-cookie': () => ({
    meaning: 'What the client shall send in later requests',
    rfc: 'RFC 6455 §4.2.2, RFC 6265',
  }),
  location: (value) => ({
    meaning: `The server sends the client to ${value}`,
    rfc: 'RFC 6455 §4.1',
  }),
  'retry-after': (value) => ({ meaning: `Try again later: ${value}`, rfc: 'RFC 9110 §10.2.3' }),
};
