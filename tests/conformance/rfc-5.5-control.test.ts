/** RFC 6455 §5.5: Close, Ping and Pong as frames. The closing handshake is in rfc-7-closing. */
import { describe, expect, test } from '@jest/globals';
import { OPCODE } from '../support/frames.js';
import { broken, peerBytes, type Row, table } from './rows.js';
import { ROLES, Scene } from './subject.js';
import { inShort } from './wire-bytes.js';

const { CONTINUATION, TEXT, CLOSE, PING, PONG } = OPCODE;
const CONTROLS: [string, number][] = [
  ['Close', CLOSE],
  ['Ping', PING],
  ['Pong', PONG],
];

describe('RFC 6455 §5.5: control frames are whole and carry at most 125 bytes', () => {
  const rows = CONTROLS.flatMap(([what, opcode]): Row[] => [
    ...[126, 127, 1000, 65_536].map((length) => ({
      name: `a ${what} of ${length} bytes fails`,
      send: [{ opcode, payload: Buffer.alloc(length, 0x2a) }],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    })),
    {
      name: `a ${what} that announces 126 bytes fails on two bytes`,
      send: [peerBytes('client', [{ opcode, announce: 126 }]).subarray(0, 2)],
      roles: ['client'],
      ...broken('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'),
    },
    {
      name: `a ${what} without FIN fails`,
      send: [{ opcode, fin: false }],
      ...broken('WS_ERR_EXPECTED_FIN'),
    },
    {
      name: `a ${what} without FIN inside a message fails`,
      send: [
        { fin: false, payload: 'a' },
        { opcode, fin: false },
      ],
      ...broken('WS_ERR_EXPECTED_FIN'),
    },
  ]);
  table(rows);
});

describe('RFC 6455 §5.5.2, §5.5.3: Ping and Pong', () => {
  const longest = Buffer.alloc(125, 0xfe);
  table([
    {
      name: 'a Ping is answered with its payload',
      send: [
        { opcode: PING },
        { opcode: PING, payload: '\u0000\u0001' },
        { opcode: PING, payload: longest },
      ],
      reported: ['ping empty', 'ping 0001', `ping ${inShort(longest)}`],
      sent: ['pong empty', 'pong 0001', `pong ${inShort(longest)}`],
    },
    {
      name: 'a Ping need not be UTF-8',
      send: [{ opcode: PING, payload: Buffer.from('ff80', 'hex') }],
      reported: ['ping ff80'],
      sent: ['pong ff80'],
    },
    {
      name: 'an unsolicited Pong is reported and not answered',
      send: [
        { opcode: PONG, payload: 'x' },
        { opcode: PONG, payload: longest },
      ],
      reported: ['pong 78', `pong ${inShort(longest)}`],
    },
    {
      name: 'with autoPong off a Ping is reported and not answered',
      settings: { autoPong: false },
      send: [{ opcode: PING, payload: 'x' }],
      reported: ['ping 78'],
    },
    {
      name: 'a hundred Pings in one chunk are answered one by one, in order',
      send: Array.from({ length: 100 }, (_, i) => ({ opcode: PING, payload: Buffer.from([i]) })),
      reported: Array.from({ length: 100 }, (_, i) => `ping ${inShort(Buffer.from([i]))}`),
      sent: Array.from({ length: 100 }, (_, i) => `pong ${inShort(Buffer.from([i]))}`),
    },
    {
      name: 'a Ping that the cut of a fragment surrounds keeps its payload',
      send: [
        { opcode: TEXT, fin: false, payload: 'abc' },
        { opcode: PING, payload: longest },
        { opcode: CONTINUATION, payload: 'def' },
      ],
      reported: [`ping ${inShort(longest)}`, 'text 616263646566'],
      sent: [`pong ${inShort(longest)}`],
    },
  ]);

  for (const role of ROLES) {
    test(`a Ping behind our own Close is answered until a Close was received (${role})`, async () => {
      const scene = new Scene(role);
      scene.product.close(1000);
      await scene.feed([peerBytes(role, [{ opcode: PING, payload: 'a' }])]);
      await scene.feed([peerBytes(role, [{ opcode: PING, payload: 'b' }])]);
      const closing = [{ opcode: CLOSE }, { opcode: PING, payload: 'c' }];
      await scene.feed([peerBytes(role, closing)]);
      expect(scene.peer.sent).toEqual(['close 1000', 'pong 61', 'pong 62']);
      await scene.finish();
      expect(scene.events).toEqual(['ping 61', 'ping 62', 'close 1005']);
    });

    test(`a Ping in the chunk of the Close is not answered (${role})`, async () => {
      const scene = new Scene(role);
      const sent = [{ opcode: PING, payload: 'a' }, { opcode: CLOSE }, { opcode: PING }];
      await scene.feed([peerBytes(role, sent)]);
      expect(scene.peer.sent).toEqual(['pong 61', 'close']);
      await scene.finish();
      expect(scene.events).toEqual(['ping 61', 'close 1005']);
    });
  }
});
