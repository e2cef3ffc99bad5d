/**
 * Every MUST of RFC 6455: what it asks for, and the files of `src` that hold it.
 *
 * `citations.test.ts` compares this table with the comments of `src`, both ways. `docs/rfc6455.md`
 * shows it.
 */

export type Party = 'client' | 'server' | 'both' | 'other';

/** One rule. */
export interface Must {
  readonly section: string;
  /** The lines of rfc6455.txt in which the rule has its MUST. */
  readonly lines: readonly number[];
  readonly party: Party;
  /** The rule, in our own words. */
  readonly rule: string;
  /** The files of `src` that hold it: each cites it once. Empty where none does: `note` says why. */
  readonly files: readonly string[];
  readonly note: string;
}

type Row = readonly [
  section: string,
  lines: readonly number[],
  party: Party,
  rule: string,
  files: readonly string[],
  note?: string,
];

const NOT_SERIALIZED = 'not done: see "Where the letter is not followed"';
const INTERMEDIARY = 'for intermediaries';

const URL_FILE = 'client/url.ts';
const ESTABLISH = 'client/establish.ts';
const CONNECT = 'client/create-connection.ts';
const CLIENT_OPTIONS = 'client/options.ts';
const REQUEST = 'handshake/client.ts';
const RESPONSE = 'handshake/server.ts';
const FIELDS = 'handshake/fields.ts';
const UPGRADE = 'server/upgrade.ts';
const NEGOTIATE = 'server/negotiate.ts';
const ACCEPT = 'server/accept.ts';
const RULES = 'protocol/frame-rules.ts';
const FRAME = 'protocol/frame.ts';
const READER = 'protocol/frame-reader.ts';
const RECEIVER = 'protocol/receiver.ts';
const SENDER = 'protocol/sender.ts';
const ENDPOINT = 'protocol/endpoint.ts';
const CLOSE = 'protocol/close.ts';
const MASK = 'protocol/mask.ts';
const BATCH = 'protocol/write-batch.ts';
const SANS_IO_CLIENT = 'sans-io/client-handshake.ts';
const SANS_IO_SERVER = 'sans-io/server-handshake.ts';
const PARAMETERS = 'permessage-deflate/parameters.ts';
const SESSION = 'websocket/session.ts';
const PAYLOAD = 'websocket/payload.ts';
const COMPAT_FIELDS = 'compat/extension.ts';

const ROWS: readonly Row[] = [
  ['3', [761], 'client', 'no fragment identifier in a URI', [URL_FILE]],
  ['3', [762], 'client', 'a `#` that begins no fragment is written as %23', [URL_FILE]],

  ['4.1', [794, 919], 'client', 'connect, send a handshake, read the response', [ESTABLISH]],
  ['4.1', [803, 806], 'client', 'an invalid URI fails the connection', [URL_FILE]],
  [
    '4.1',
    [810, 812, 814, 821],
    'client',
    'one connection per host is CONNECTING at a time',
    [],
    NOT_SERIALIZED,
  ],
  ['4.1', [886], 'client', 'the URI for proxy autoconfiguration', [], 'there is none'],
  ['4.1', [903, 909], 'client', 'if TCP, a proxy or TLS fails, the connection fails', [ESTABLISH]],
  ['4.1', [906, 911], 'client', 'wss: TLS first, and everything goes through it', [ESTABLISH]],
  ['4.1', [914], 'client', 'Server Name Indication', [CONNECT]],
  ['4.1', [924, 927], 'client', 'a valid HTTP request: GET, HTTP/1.1', [ESTABLISH]],
  ['4.1', [933], 'client', 'the Request-URI matches the resource name', [ESTABLISH]],
  ['4.1', [938], 'client', 'Host', [ESTABLISH, CLIENT_OPTIONS]],
  [
    '4.1',
    [942, 953, 956, 981],
    'client',
    'Upgrade, Connection, Sec-WebSocket-Key, Sec-WebSocket-Version',
    [REQUEST],
  ],
  ['4.1', [957], 'client', 'the key is 16 random bytes in base64', [FIELDS]],
  ['4.1', [960], 'client', 'each connection has a new key', [ESTABLISH]],
  ['4.1', [967], 'other', 'a browser sends Origin', [], 'for browsers: here it is an option'],
  ['4.1', [982], 'client', 'the version is 13', [REQUEST, CLIENT_OPTIONS]],
  [
    '4.1',
    [996, 998],
    'client',
    'subprotocols are tokens and unique',
    [PAYLOAD, FIELDS, COMPAT_FIELDS, SANS_IO_CLIENT],
  ],
  ['4.1', [1020], 'client', 'wait for the response before sending data', [SESSION]],
  ['4.1', [1022], 'client', 'validate the response', [REQUEST]],
  ['4.1', [1033], 'client', 'Upgrade is not "websocket": fail', [REQUEST]],
  ['4.1', [1039], 'client', 'Connection is not "Upgrade": fail', [REQUEST]],
  ['4.1', [1046], 'client', 'a wrong Sec-WebSocket-Accept: fail', [REQUEST]],
  ['4.1', [1053], 'client', 'an extension that was not requested: fail', [REQUEST]],
  ['4.1', [1068], 'client', 'a subprotocol that was not requested: fail', [REQUEST]],
  ['4.1', [1073], 'client', 'a response that does not conform to §4.2.2: fail', [REQUEST]],

  ['4.2.1', [1133], 'server', 'an invalid handshake is answered with an HTTP error', [UPGRADE]],
  ['4.2.1', [1137], 'server', 'the request is a GET, HTTP/1.1 or higher', [RESPONSE]],
  ['4.2.1', [1142], 'server', 'it has Host', [RESPONSE]],
  ['4.2.1', [1144], 'server', 'it has Upgrade: websocket', [RESPONSE]],
  ['4.2.1', [1147], 'server', 'it has Connection: Upgrade', [RESPONSE]],
  ['4.2.1', [1150], 'server', 'it has a Sec-WebSocket-Key of 16 bytes', [RESPONSE]],
  ['4.2.1', [1154], 'server', 'it has Sec-WebSocket-Version: 13', [RESPONSE]],

  ['4.2.2', [1184], 'server', 'the steps to accept', [ACCEPT]],
  ['4.2.2', [1192], 'other', 'everything goes through TLS', [], 'for the server of `node:https`'],
  ['4.2.2', [1213], 'server', 'an origin that is not accepted: an HTTP error', [UPGRADE]],
  ['4.2.2', [1238], 'server', 'a version that is not understood: an HTTP error', [RESPONSE]],
  [
    '4.2.2',
    [1249],
    'server',
    'a resource that is not available: an HTTP error',
    [UPGRADE, 'server/shared-server.ts'],
  ],
  ['4.2.2', [1255], 'server', 'the subprotocol is one of the request', [ACCEPT, SANS_IO_SERVER]],
  ['4.2.2', [1264], 'server', 'without a subprotocol the field is not sent', [ACCEPT]],
  [
    '4.2.2',
    [1274, 1289],
    'server',
    'the extensions are those of the request',
    [NEGOTIATE, SANS_IO_SERVER],
  ],
  ['4.2.2', [1293], 'server', 'the response is valid HTTP with four fields', [RESPONSE]],

  ['4.3', [1403], 'both', 'a quoted value is a token without quotes', [FIELDS, COMPAT_FIELDS]],
  ['4.4', [1430], 'server', 'the refusal of a version names those understood', [RESPONSE]],

  ['5.1', [1486, 1492], 'both', 'a client masks every frame, a server none', [ENDPOINT]],
  ['5.1', [1489, 1493], 'both', 'a frame masked otherwise fails the connection', [RULES]],

  ['5.2', [1555], 'both', 'sent: a reserved bit is 0 unless an extension sets it', [SENDER]],
  ['5.2', [1558], 'both', 'received: a reserved bit without a meaning: fail', [RULES]],
  ['5.2', [1572], 'both', 'an unknown opcode: fail', [RULES]],
  ['5.2', [1604], 'both', 'the highest bit of a 64-bit length is 0', [RULES]],
  ['5.2', [1606], 'both', 'the length is minimal', [RULES, FRAME]],
  ['5.2', [1641], 'other', 'an extension defines its extension data', [], 'ours has none'],
  ['5.2', [1643], 'both', 'an extension is negotiated before it is used', [ENDPOINT]],

  ['5.3', [1781], 'client', 'the MASK bit of a masked frame is 1', [FRAME]],
  ['5.3', [1799], 'client', 'each frame has a new masking key', [MASK, 'compat/sender.ts']],
  ['5.3', [1801, 1802], 'client', 'keys are unpredictable', [MASK]],

  ['5.4', [1889], 'both', 'control frames are not fragmented', [RULES, SENDER]],
  ['5.4', [1892], 'both', 'fragments are delivered in order', ['protocol/message-buffer.ts']],
  ['5.4', [1905], 'both', 'fragments of two messages are not interleaved', [RULES, SENDER]],
  ['5.4', [1909], 'both', 'control frames are handled inside a message', [READER]],
  ['5.4', [1915], 'both', 'messages of one frame and of several', [RECEIVER]],
  ['5.4', [1918, 1921, 1925, 1930], 'other', 'what is not refragmented', [], INTERMEDIARY],
  ['5.4', [1936], 'both', 'all fragments of a message have one type', [RECEIVER]],

  ['5.5', [1972], 'both', 'a control payload has at most 125 bytes', [RULES]],
  ['5.5', [1973], 'both', 'control frames are not fragmented', [RULES]],

  ['5.5.1', [1984], 'both', 'the payload of a Close begins with two bytes of code', [RULES]],
  ['5.5.1', [1991], 'other', 'a reason is not shown to end users', [], 'for the application'],
  ['5.5.1', [1996], 'both', 'no data frame follows a Close', [SENDER]],
  ['5.5.1', [2000], 'both', 'a Close is answered with a Close', [ENDPOINT]],
  ['5.5.1', [2018, 2019], 'both', 'after both Closes TCP is closed', [CLOSE]],

  ['5.5.2', [2036], 'both', 'a Ping is answered with a Pong', [ENDPOINT]],
  ['5.5.3', [2058], 'both', 'a Pong has the payload of its Ping', [ENDPOINT]],
  ['5.6', [2092], 'both', 'a text message is UTF-8', [RECEIVER, BATCH]],
  ['5.8', [2149], 'client', 'extensions are negotiated in the handshake', [ESTABLISH]],

  ['6.1', [2176], 'both', 'the steps to send', [SENDER]],
  ['6.1', [2185], 'both', 'the connection is open', [SESSION]],
  ['6.1', [2187], 'both', 'sending stops when it is not', ['protocol/send-queue.ts']],
  ['6.1', [2190, 2205], 'both', 'data is in frames, masked by a client', [SENDER]],
  ['6.1', [2198], 'both', 'the opcode of the first frame', [SENDER]],
  ['6.1', [2203], 'both', 'FIN of the last frame', [SENDER]],
  ['6.1', [2212], 'both', 'the frames are transmitted', ['connection/writer.ts']],

  ['6.2', [2218], 'both', 'received bytes are read as frames', [READER]],
  ['6.2', [2220], 'both', 'control frames are handled by §5.5', [ENDPOINT]],
  ['6.2', [2221], 'both', 'the type is that of the first frame', [RECEIVER]],
  ['6.2', [2242], 'both', 'the frame after the last fragment begins a message', [RECEIVER]],
  ['6.2', [2251], 'server', 'the masking is removed', [RECEIVER]],

  ['7.1.2', [2301], 'both', 'a Close has the code and the reason', [ENDPOINT]],
  ['7.1.7', [2380, 2383], 'both', 'failing closes the connection', [ENDPOINT]],
  ['7.1.7', [2393], 'both', 'after failing no data is processed', [RECEIVER]],
  ['7.2.1', [2415], 'client', 'a failed handshake fails the connection', [ESTABLISH]],
  ['7.2.1', [2419], 'client', 'a lost transport does', ['connection/connection.ts']],
  ['7.2.2', [2429], 'server', 'aborting a handshake closes', ['server/refusal.ts']],

  ['7.4.1', [2527], 'both', 'no Close has the code 1005', [CLOSE]],
  ['7.4.1', [2534, 2589], 'both', 'no Close has the code 1006 or 1015', [CLOSE]],
  ['8.1', [2639], 'both', 'text that is not UTF-8: fail', [RECEIVER, CLOSE]],

  ['9', [2647], 'server', 'no extension that was not requested', [PARAMETERS]],
  ['9', [2649], 'both', 'parameters conform to the extension', [PARAMETERS]],
  ['9.1', [2662], 'both', 'a malformed field: fail', [REQUEST, RESPONSE]],
  ['9.1', [2672], 'both', 'a quoted value is a token without quotes', [FIELDS, COMPAT_FIELDS]],
  ['9.1', [2700], 'both', 'extensions have registered names', [PARAMETERS]],
  ['9.1', [2701], 'both', 'parameters are defined for the extension', [PARAMETERS]],
  ['9.1', [2703], 'client', 'an extension that was not accepted is not used', [REQUEST]],

  ['10.3', [2843], 'client', 'each frame has a new, unpredictable key', [MASK]],
  ['10.4', [2894], 'both', 'an endpoint protects itself by limits', [RULES]],
  ['10.6', [2925], 'both', 'TLS is supported', [CONNECT]],
  ['10.7', [2940], 'both', 'received data is validated', [RULES]],

  ['11.1.1', [3010, 3026], 'client', 'ws: the host in ASCII, the rest encoded', [URL_FILE]],
  ['11.1.2', [3087, 3094], 'client', 'wss: the same', [URL_FILE]],
  ['11.3.1', [3176], 'server', 'Sec-WebSocket-Key comes once', [FIELDS]],
  ['11.3.2', [3225], 'client', 'Sec-WebSocket-Extensions comes once', [REQUEST]],
  ['11.3.3', [3264], 'client', 'Sec-WebSocket-Accept comes once', [REQUEST]],
  ['11.3.4', [3308], 'client', 'Sec-WebSocket-Protocol comes once', [REQUEST]],
  ['11.3.5', [3364], 'server', 'Sec-WebSocket-Version comes once', [RESPONSE]],
];

export const MUSTS: readonly Must[] = ROWS.map(
  ([section, lines, party, rule, files, note = '']) => ({
    section,
    lines,
    party,
    rule,
    files,
    note,
  }),
);
