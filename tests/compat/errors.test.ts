/** What a receiver refuses. */

import { closePayload, type FrameOptions, frame, KEY, OPCODE } from '../support/frames.js';
import { until } from '../support/inbox.js';
import { closed, frameSeen, opened, ROLES, type Role, type Settings, said, to } from './scene.js';
import type { Untyped } from './subjects.js';
import { type Row, table } from './table.js';

const { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } = OPCODE;

const INVALID = 'Invalid WebSocket frame: ';

interface Violation {
  code: string;
  error: string;
  status: number;
  it: string;
  /** what is sent; of a frame whatever is wrong with it */
  frames: FrameOptions[];
  options?: Settings;
  id?: string;
  differs?: { expected: unknown; why: string };
}

/** The bytes of these frames as a peer of that role sends them; a `mask` that is given wins. */
const bytesTo = (role: Role, frames: FrameOptions[]): Buffer =>
  Buffer.concat(frames.map((each) => ('mask' in each ? frame(each) : to(role, each))));

/** Both roles are asked; what is seen is the error, the Close and the events behind. */
function violation({ code, error, status, it, frames, options, id, differs }: Violation): Row[] {
  const expected = [error, code, `close ${status}`, 'close 1006'];
  return ROLES.map((role) => ({
    id: id ?? `X.${code}`,
    it: `${it} (${role})`,
    run: async (lib, scope) => {
      const { ws, peer, inbox, events } = await opened(role, lib, scope, options);
      let failure: Untyped;
      ws.on('error', (given: unknown) => {
        failure = given;
      });
      peer.write(bytesTo(role, frames));
      const close = (await frameSeen(inbox)).slice(0, 10);
      await until(() => failure !== undefined, 'an error');
      peer.end();
      await closed(ws);
      return [said(failure), failure.code, close, events.at(-1)];
    },
    expected,
    ...(differs ? { differs } : {}),
  }));
}

const violations: Violation[] = [
  ...[1, 2, 3].map((rsv) => ({
    code: 'WS_ERR_UNEXPECTED_RSV_2_3',
    error: `RangeError: ${INVALID}RSV2 and RSV3 must be clear`,
    status: 1002,
    it: `RSV bits ${rsv}`,
    frames: [{ rsv, payload: 'a' }],
  })),
  {
    code: 'WS_ERR_UNEXPECTED_RSV_1',
    error: `RangeError: ${INVALID}RSV1 must be clear`,
    status: 1002,
    it: 'RSV1 without an extension',
    frames: [{ rsv: 4, payload: 'a' }],
  },
  {
    code: 'WS_ERR_UNEXPECTED_RSV_1',
    error: `RangeError: ${INVALID}RSV1 must be clear`,
    status: 1002,
    it: 'RSV1 on a ping',
    frames: [{ rsv: 4, opcode: PING }],
  },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    code: 'WS_ERR_INVALID_OPCODE',
    error: `RangeError: ${INVALID}invalid opcode ${opcode}`,
    status: 1002,
    it: `opcode ${opcode}`,
    frames: [{ opcode }],
  })),
  {
    code: 'WS_ERR_INVALID_OPCODE',
    error: `RangeError: ${INVALID}invalid opcode 0`,
    status: 1002,
    it: 'a continuation of nothing',
    frames: [{ opcode: CONTINUATION }],
  },
  {
    code: 'WS_ERR_INVALID_OPCODE',
    error: `RangeError: ${INVALID}invalid opcode 2`,
    status: 1002,
    it: 'a message inside another',
    frames: [{ fin: false, opcode: TEXT }, { opcode: BINARY }],
  },
  ...[CLOSE, PING, PONG].map((opcode) => ({
    code: 'WS_ERR_EXPECTED_FIN',
    error: `RangeError: ${INVALID}FIN must be set`,
    status: 1002,
    it: `a control frame in fragments, opcode ${opcode}`,
    frames: [{ opcode, fin: false }],
  })),
  ...[CLOSE, PING, PONG].map((opcode) => ({
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    error: `RangeError: ${INVALID}invalid payload length 126`,
    status: 1002,
    it: `a control frame of 126 bytes, opcode ${opcode}`,
    frames: [{ opcode, payload: Buffer.alloc(126) }],
  })),
  {
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    error: `RangeError: ${INVALID}invalid payload length 1`,
    status: 1002,
    it: 'a Close of one byte',
    frames: [{ opcode: CLOSE, payload: 'a' }],
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map((code) => ({
    code: 'WS_ERR_INVALID_CLOSE_CODE',
    error: `RangeError: ${INVALID}invalid status code ${code}`,
    status: 1002,
    it: `a Close with ${code}`,
    frames: [{ opcode: CLOSE, payload: closePayload(code) }],
  })),
  {
    code: 'WS_ERR_INVALID_UTF8',
    error: `Error: ${INVALID}invalid UTF-8 sequence`,
    status: 1007,
    it: 'a text that is not UTF-8',
    frames: [{ payload: Buffer.from([0x68, 0xff]) }],
  },
  {
    code: 'WS_ERR_INVALID_UTF8',
    error: `Error: ${INVALID}invalid UTF-8 sequence`,
    status: 1007,
    it: 'a text that ends within a character, in fragments',
    frames: [
      { fin: false, payload: 'a' },
      { opcode: CONTINUATION, payload: Buffer.from([0xc3]) },
    ],
  },
  {
    code: 'WS_ERR_INVALID_UTF8',
    error: `Error: ${INVALID}invalid UTF-8 sequence`,
    status: 1007,
    it: 'a reason that is not UTF-8',
    frames: [{ opcode: CLOSE, payload: closePayload(1000, Buffer.from([0xff])) }],
  },
  {
    code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    error: 'RangeError: Unsupported WebSocket frame: payload length > 2^53 - 1',
    status: 1009,
    it: 'a frame of 2^53 bytes',
    frames: [{ announce: 2n ** 53n }],
    options: { maxPayload: 0 },
  },
  {
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    error: 'RangeError: Max payload size exceeded',
    status: 1009,
    it: 'a message that is longer than maxPayload, by its header alone',
    frames: [{ announce: 11 }],
    options: { maxPayload: 10 },
  },
  {
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    error: 'RangeError: Max payload size exceeded',
    status: 1009,
    it: 'fragments that together are longer than maxPayload',
    frames: [
      { fin: false, payload: 'abcdef' },
      { opcode: CONTINUATION, payload: 'abcdef' },
    ],
    options: { maxPayload: 10 },
  },
  {
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    error: 'RangeError: Too many message fragments',
    status: 1008,
    it: 'more fragments than maxFragments',
    frames: [{ fin: false }, { fin: false, opcode: CONTINUATION }, { opcode: CONTINUATION }],
    options: { maxFragments: 2 },
  },
];

/** Errors that are an Error in `ws` and a ProtocolError, so a RangeError, in ws6455. */
const ranged = (row: Row): Row => {
  const [error, ...rest] = row.expected as string[];
  if (!error?.startsWith('Error: ')) return row;
  const why = 'ProtocolError, a RangeError and so an Error';
  return { ...row, differs: { expected: [error.replace('Error', 'RangeError'), ...rest], why } };
};

/** One row of several faults: which of them is the error. */
const order = (it: string, options: FrameOptions, message: string): Row => ({
  id: 'X.order',
  it,
  run: async (lib, scope) => {
    const { peer, events } = await opened('server', lib, scope, { maxPayload: 5 });
    peer.write(bytesTo('server', [options]));
    await until(() => events.length > 0, 'an error');
    return events[0];
  },
  expected: `error ${message}`,
});

table([
  ...violations.flatMap(violation).map(ranged),
  {
    id: 'X.WS_ERR_EXPECTED_MASK',
    it: 'a frame without mask, to a server',
    run: async (lib, scope) => {
      const { peer, inbox, events } = await opened('server', lib, scope);
      peer.write(frame({ payload: 'a' }));
      return [(await frameSeen(inbox)).slice(0, 10), events];
    },
    expected: ['close 1002', ['error Invalid WebSocket frame: MASK must be set']],
  },
  {
    id: 'X.WS_ERR_UNEXPECTED_MASK',
    it: 'a frame with a mask, to a client',
    run: async (lib, scope) => {
      const { peer, inbox, events } = await opened('client', lib, scope);
      peer.write(frame({ payload: 'a', mask: KEY }));
      return [(await frameSeen(inbox)).slice(0, 10), events];
    },
    expected: ['close 1002', ['open', 'error Invalid WebSocket frame: MASK must be clear']],
  },
  {
    id: 'X.close',
    it: 'the Close for a fault has a code and no reason',
    run: async (lib, scope) => {
      const { peer, inbox } = await opened('server', lib, scope);
      peer.write(frame({ payload: 'a' }));
      return frameSeen(inbox);
    },
    expected: 'close 1002',
    differs: {
      expected: 'close 1002 Invalid WebSocket frame: MASK must be set',
      why: 'the peer gets a Close that says why (RFC 6455 §7.1.6)',
    },
  },
  {
    id: 'X.minimal',
    it: 'a length that is not in its minimal form',
    run: async (lib, scope) => {
      const { peer, events } = await opened('server', lib, scope);
      peer.write(frame({ payload: 'a', mask: KEY, lengthBits: 16 }));
      await until(() => events.length > 0, 'a message or an error');
      return events[0]?.split(' ')[0];
    },
    expected: 'message',
    differs: { expected: 'error', why: '1002 (RFC 6455 §5.2)' },
  },
  {
    id: 'X.early',
    it: 'a text that can no longer become UTF-8, before it is whole',
    run: async (lib, scope) => {
      const { peer, events } = await opened('server', lib, scope);
      peer.write(bytesTo('server', [{ fin: false, payload: Buffer.from([0xff]) }]));
      peer.write(bytesTo('server', [{ opcode: PING, payload: 'p' }]));
      await until(() => events.length > 0, 'an event');
      return events[0];
    },
    expected: 'ping p',
    differs: {
      expected: 'error Invalid WebSocket frame: invalid UTF-8 sequence',
      why: 'fails as soon as a byte can no longer be valid',
    },
  },
  {
    id: 'X.status-code',
    it: 'the close code is on the error, by a symbol',
    run: async (lib, scope) => {
      const { ws, peer } = await opened('server', lib, scope);
      let status: unknown;
      ws.on('error', (error: Untyped) => {
        status = error.closeCode;
        const key = Object.getOwnPropertySymbols(error).find(
          ({ description }) => description === 'status-code',
        );
        if (key) status = `by a symbol: ${error[key]}`;
      });
      peer.write(frame({ payload: 'a' }));
      await until(() => status !== undefined, 'the status of an error', 500);
      return status;
    },
    expected: 'by a symbol: 1002',
    differs: { expected: 1002, why: 'in the open, as `closeCode`' },
  },
  order(
    'RSV2 and RSV3 before everything',
    { rsv: 7, opcode: 3, mask: undefined },
    `${INVALID}RSV2 and RSV3 must be clear`,
  ),
  order('RSV1 before the opcode', { rsv: 4, opcode: 3 }, `${INVALID}RSV1 must be clear`),
  order('the opcode before the mask', { opcode: 3, mask: undefined }, `${INVALID}invalid opcode 3`),
  order(
    'FIN before the length of a control frame',
    { opcode: PING, fin: false, payload: Buffer.alloc(126) },
    `${INVALID}FIN must be set`,
  ),
  order(
    'the length of a control frame before the mask',
    { opcode: PING, payload: Buffer.alloc(126), mask: undefined },
    `${INVALID}invalid payload length 126`,
  ),
  order(
    'the mask before the extended length',
    { announce: 2n ** 60n, mask: undefined },
    `${INVALID}MASK must be set`,
  ),
]);
