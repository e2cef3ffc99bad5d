/**
 * A wire tap: a relay that keeps both directions, and afterwards reads them as strictly as the
 * parameters of permessage-deflate allow. It shares no code with either side.
 */
import assert from 'node:assert/strict';
import { constants, inflateRawSync } from 'node:zlib';
import { relay } from './relay.mjs';

const END_OF_HEAD = '\r\n\r\n';
/** RFC 7692 §7.2.2: these octets are to be appended again before a message is inflated. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** The parameters of permessage-deflate by their names in `ws`, undefined if it is not there. */
function parametersIn(extensions) {
  if (extensions === '') return undefined;
  const [name, ...parameters] = extensions.split(';').map((part) => part.trim());
  assert.equal(name, 'permessage-deflate');
  return Object.fromEntries(
    parameters.map((parameter) => {
      const [key, number] = parameter.split('=');
      const camelCase = key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
      return [camelCase, number === undefined ? true : Number(number)];
    }),
  );
}

/** The 7, 16 or 64 bits of a length and where they end. */
function readLength(bytes, at) {
  const short = bytes[at] & 0x7f;
  if (short === 126) return { length: bytes.readUInt16BE(at + 1), end: at + 3 };
  if (short === 127) return { length: Number(bytes.readBigUInt64BE(at + 1)), end: at + 9 };
  return { length: short, end: at + 1 };
}

function unmasked(payload, key) {
  return payload.map((byte, at) => byte ^ key[at & 3]);
}

function* frames(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const [first, second] = [bytes[at], bytes[at + 1]];
    const { length, end } = readLength(bytes, at + 1);
    const start = end + (second & 0x80 ? 4 : 0);
    at = start + length;
    const payload = bytes.subarray(start, at);
    const key = bytes.subarray(end, start);
    yield {
      fin: first >= 0x80,
      compressed: (first & 0x40) !== 0,
      opcode: first & 0x0f,
      payload: key.length === 0 ? payload : unmasked(payload, key),
    };
  }
}

/** The messages as they travel: `{ opcode, compressed, frames, payload }`. */
function wireMessages(bytes) {
  const messages = [];
  let message;
  for (const { fin, compressed, opcode, payload } of frames(bytes)) {
    if (opcode >= 8) {
      assert(!compressed, 'RFC 7692 §6.1: RSV1 is set on a control frame');
      continue;
    }
    if (opcode !== 0) message = { opcode, compressed, parts: [] };
    else assert(!compressed, 'RFC 7692 §6.1: RSV1 is set on a continuation frame');
    message.parts.push(payload);
    if (fin) messages.push(message);
  }
  return messages;
}

/** Each of `messages` with its payload inflated, no further back than `windowBits` and takeover allow. */
function inflated(messages, { windowBits, takeover }) {
  let dictionary = Buffer.alloc(0);
  return messages.map(({ parts, ...message }) => {
    const wire = Buffer.concat(parts);
    if (!message.compressed) return { ...message, wireLength: wire.length, payload: wire };
    const payload = inflateRawSync(Buffer.concat([wire, TAIL]), {
      windowBits,
      dictionary,
      finishFlush: constants.Z_SYNC_FLUSH,
      // Within one chunk of output zlib does not look how far back a match goes.
      chunkSize: Math.max(constants.Z_MIN_CHUNK, 2 ** (windowBits - 3)),
    });
    if (takeover) dictionary = Buffer.concat([dictionary, payload]).subarray(-(2 ** windowBits));
    return { ...message, wireLength: wire.length, payload };
  });
}

export async function tap(base) {
  const { protocol, hostname, port } = new URL(base);
  const chunks = { client: [], server: [] };
  const { host, close } = await relay(
    { host: hostname, port },
    {
      client: (chunk) => chunks.client.push(chunk),
      server: (chunk) => chunks.server.push(chunk),
    },
  );

  function split(side) {
    const bytes = Buffer.concat(chunks[side]);
    const end = bytes.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    return { head: bytes.toString('latin1', 0, end), body: bytes.subarray(end) };
  }

  /** The response's Sec-WebSocket-Extensions. */
  function extensions() {
    const [, value = ''] =
      split('server').head.match(/^sec-websocket-extensions:[ \t]*(.*?)[ \t]*$/im) ?? [];
    return value;
  }

  const agreed = () => parametersIn(extensions());

  /** What `side` (client or server) has sent, which is to keep to `parameters`. */
  function sentBy(side, parameters) {
    return inflated(wireMessages(split(side).body), {
      windowBits: parameters[`${side}MaxWindowBits`] ?? 15,
      takeover: !parameters[`${side}NoContextTakeover`],
    });
  }

  return { base: `${protocol}//${host}`, extensions, agreed, sentBy, close };
}
