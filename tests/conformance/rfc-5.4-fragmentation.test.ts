/** RFC 6455 §5.4: messages in fragments, and what may stand between them. */
import { describe, expect, test } from '@jest/globals';
import { type FrameOptions, OPCODE } from '../support/frames.js';
import { byteByByte } from '../support/random.js';
import { broken, brokenAfter, peerBytes, table } from './rows.js';
import { ROLES, Scene } from './subject.js';
import { inShort } from './wire-bytes.js';

const { CONTINUATION, TEXT, BINARY, PING, PONG, CLOSE } = OPCODE;

const first = (payload: string, opcode: number = TEXT): FrameOptions => ({
  opcode,
  fin: false,
  payload,
});
const middle = (payload = ''): FrameOptions => ({ opcode: CONTINUATION, fin: false, payload });
const last = (payload = ''): FrameOptions => ({ opcode: CONTINUATION, payload });
const outOfOrder = 'WS_ERR_INVALID_OPCODE';

describe('RFC 6455 §5.4: the order of fragments', () => {
  table([
    {
      name: 'a continuation without a beginning fails',
      send: [last('abc')],
      ...broken(outOfOrder),
    },
    {
      name: 'an empty continuation without a beginning and without FIN fails',
      send: [middle()],
      ...broken(outOfOrder),
    },
    {
      name: 'a continuation behind a whole message fails',
      send: [{ payload: 'a' }, last('b')],
      ...brokenAfter({ reported: ['text 61'] }, outOfOrder),
    },
    {
      name: 'a continuation behind a message in fragments fails',
      send: [first('a'), last('b'), middle('c')],
      ...brokenAfter({ reported: ['text 6162'] }, outOfOrder),
    },
    {
      name: 'text inside a message fails',
      send: [first('a'), { payload: 'b' }],
      ...broken(outOfOrder),
    },
    {
      name: 'binary inside a text message fails',
      send: [first('a'), { opcode: BINARY, payload: 'b' }],
      ...broken(outOfOrder),
    },
    {
      name: 'text inside a binary message fails',
      send: [first('a', BINARY), first('b')],
      ...broken(outOfOrder),
    },
    {
      name: 'text behind an empty first fragment fails',
      send: [first(''), { payload: 'b' }],
      ...broken(outOfOrder),
    },
    {
      name: 'binary behind an empty first fragment and an empty continuation fails',
      send: [first('', BINARY), middle(), { opcode: BINARY }],
      ...broken(outOfOrder),
    },
    {
      name: 'a control frame does not end the message',
      send: [first('a'), { opcode: PING }, { payload: 'b' }],
      ...brokenAfter({ reported: ['ping empty'], sent: ['pong empty'] }, outOfOrder),
    },
  ]);
});

describe('RFC 6455 §5.4: what is legal, if odd', () => {
  table([
    {
      name: 'two fragments',
      send: [first('Hel'), last('lo')],
      reported: ['text 48656c6c6f'],
    },
    {
      name: 'all fragments empty',
      send: [first(''), middle(), last()],
      reported: ['text empty'],
    },
    {
      name: 'empty fragments before, between and behind',
      send: [first('', BINARY), middle(), middle('a'), middle(), middle('b'), last()],
      reported: ['binary 6162'],
    },
    {
      name: 'empty messages, one after the other',
      send: [{}, { opcode: BINARY }, {}],
      reported: ['text empty', 'binary empty', 'text empty'],
    },
    {
      name: 'Ping and Pong between fragments, delivered before the message',
      send: [first('a'), { opcode: PING, payload: 'p' }, middle('b'), { opcode: PONG }, last('c')],
      reported: ['ping 70', 'pong empty', 'text 616263'],
      sent: ['pong 70'],
    },
    {
      name: 'text and binary messages alternate',
      send: [first('a'), last('b'), first('c', BINARY), last('d'), { payload: 'e' }],
      reported: ['text 6162', 'binary 6364', 'text 65'],
    },
    {
      name: '1,000 fragments of one byte',
      send: [first('x'), ...Array.from({ length: 998 }, () => middle('x')), last('x')],
      reported: [`text ${inShort(Buffer.alloc(1000, 'x'))}`],
    },
    {
      name: '1,000 empty fragments between two letters',
      send: [first('x'), ...Array.from({ length: 1000 }, () => middle()), last('y')],
      reported: ['text 7879'],
    },
    {
      name: 'exactly maxFragments fragments',
      settings: { maxFragments: 3 },
      send: [first('a'), middle('b'), last('c'), first('d'), middle('e'), last('f')],
      reported: ['text 616263', 'text 646566'],
    },
    {
      name: 'one fragment more than maxFragments fails, empty ones count',
      settings: { maxFragments: 3 },
      send: [first('a'), middle(), middle(), last('c')],
      ...broken('WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008),
    },
  ]);

  for (const role of ROLES) {
    test(`20,000 frames in one write, in order (${role})`, async () => {
      const scene = new Scene(role);
      const frames = Array.from({ length: 20_000 }, (_, i) => ({ payload: `${i}` }));
      await scene.feed([peerBytes(role, frames)]);
      const expected = frames.map(({ payload }) => `text ${Buffer.from(payload).toString('hex')}`);
      expect(scene.events.length).toBe(expected.length);
      expect(scene.events.join()).toBe(expected.join());
      scene.product.terminate();
    });

    test(`the same messages one byte per chunk (${role})`, async () => {
      const scene = new Scene(role);
      const frames = Array.from({ length: 1000 }, (_, i) => ({ payload: `${i}` }));
      await scene.feed(byteByByte(peerBytes(role, frames)));
      const expected = frames.map(({ payload }) => `text ${Buffer.from(payload).toString('hex')}`);
      expect(scene.events.join()).toBe(expected.join());
      scene.product.terminate();
    });

    test(`one message per turn when events must not be synchronous (${role})`, async () => {
      const scene = new Scene(role, { allowSynchronousEvents: false });
      const frames = Array.from({ length: 50 }, (_, i) => ({ payload: `${i}` }));
      let inFirstTurn = 0;
      scene.product.once('message', () => {
        setImmediate(() => {
          inFirstTurn = scene.events.length;
        });
      });
      await scene.feed([peerBytes(role, [...frames, { opcode: CLOSE }])]);
      // Which of two immediates runs first does not matter; fifty in one turn would.
      expect(inFirstTurn).toBeLessThan(4);
      await scene.finish();
      const texts = frames.map(({ payload }) => `text ${Buffer.from(payload).toString('hex')}`);
      expect(scene.events).toEqual([...texts, 'close 1005']);
    });
  }
});

describe('RFC 6455 §5.4: what the product sends in fragments', () => {
  for (const role of ROLES) {
    test(`fin: false makes fragments, the first names the type (${role})`, async () => {
      const scene = new Scene(role);
      const { product, peer } = scene;
      product.send('a', { fin: false });
      product.ping('p');
      product.send('', { fin: false });
      product.send(Buffer.from('b'), { fin: true });
      product.send(Buffer.from('c'), { fin: false });
      product.send('d', { fin: true });
      product.send('e');
      await scene.settled();
      expect(peer.sent).toEqual([
        'text (no FIN) 61',
        'ping 70',
        'continuation (no FIN) empty',
        'continuation 62',
        'binary (no FIN) 63',
        'continuation 64',
        'text 65',
      ]);
      expect(peer.reader.faults).toEqual([]);
      product.terminate();
    });
  }
});
