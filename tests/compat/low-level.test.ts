/** Sender, Receiver, PerMessageDeflate, extension, subprotocol. */

import { Writable } from 'node:stream';
import { closePayload, frame, KEY, OPCODE } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { type Settings, said, thrown } from './scene.js';
import type { Library, Untyped } from './subjects.js';
import { type Row, table } from './table.js';

const PLAIN = { fin: true, opcode: 1, mask: false, rsv1: false, readOnly: false };

/** The parts of a frame, in hex. */
const framed = (lib: Library, data: unknown, options: Settings = {}): string =>
  lib.Sender.frame(Buffer.isBuffer(data) ? Buffer.from(data) : data, { ...PLAIN, ...options })
    .map((part: Buffer | string) => Buffer.from(part).toString('hex'))
    .join('|');

const frames = (
  it: string,
  data: unknown,
  options: Settings,
  expected: string,
  id = 'L1',
): Row => ({ id, it, run: (lib) => framed(lib, data, options), expected });

const ones = (mask: Buffer): void => {
  mask.fill(1);
};

/** A socket that keeps what is written. */
function sink(): Untyped {
  const written: Buffer[] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  return Object.assign(socket, { bytes: () => Buffer.concat(written).toString('hex') });
}

/** Every event of a Receiver with these options for these bytes. */
async function received(lib: Library, options: Settings, ...chunks: Buffer[]): Promise<unknown[]> {
  const receiver = new lib.Receiver(options);
  const seen: unknown[] = [];
  for (const name of ['message', 'ping', 'pong', 'conclude']) {
    receiver.on(name, (...args: unknown[]) => {
      seen.push([name, ...args.map((arg) => (Buffer.isBuffer(arg) ? String(arg) : arg))]);
    });
  }
  receiver.on('error', (error: NodeJS.ErrnoException) => seen.push([said(error), error.code]));
  receiver.on('finish', () => seen.push('finish'));
  for (const chunk of chunks) receiver.write(chunk);
  await turns();
  return seen;
}

const parses = (header: string, expected: unknown): Row => ({
  id: 'L5',
  it: `extension.parse reads ${JSON.stringify(header)}`,
  run: (lib) => Object.entries(lib.extension.parse(header)).map(([k, v]) => [k, plainOf(v)]),
  expected,
});

const plainOf = (value: unknown): unknown =>
  (value as object[]).map((parameters) => Object.entries(parameters));

const refuses = (what: 'extension' | 'subprotocol', header: string, expected: string): Row => ({
  id: what === 'extension' ? 'L5 V8.20' : 'L6 V8.20',
  it: `${what}.parse refuses ${JSON.stringify(header)}`,
  run: (lib) => thrown(() => lib[what].parse(header)),
  expected: `SyntaxError: ${expected}`,
});

table([
  frames('text of two bytes', Buffer.from('hi'), {}, '8102|6869', 'L1 U2 private-1'),
  frames('an empty payload is one part', Buffer.alloc(0), {}, '8100'),
  frames(
    'no FIN, another opcode, RSV1',
    Buffer.from('a'),
    { fin: false, opcode: 2, rsv1: true },
    '4201|61',
  ),
  frames('a string', 'hé', {}, '8103|68c3a9'),
  frames(
    'masked and read-only: one part, the bytes copied',
    Buffer.from('hi'),
    { mask: true, readOnly: true, generateMask: ones },
    '8182010101016968',
  ),
  frames(
    'masked in place: two parts',
    Buffer.from('hi'),
    { mask: true, generateMask: ones },
    '818201010101|6968',
  ),
  frames(
    'a key of zeroes',
    Buffer.from('hi'),
    { mask: true, readOnly: true, generateMask: (mask: Buffer) => mask.fill(0) },
    '818200000000|6869',
  ),
  {
    id: 'L1',
    it: 'the three forms of a length',
    run: (lib) =>
      [125, 126, 65_535, 65_536].map((size) => framed(lib, Buffer.alloc(size)).split('|')[0]),
    expected: ['817d', '817e007e', '817effff', '817f0000000000010000'],
  },
  {
    id: 'L1',
    it: 'without generateMask the key is random, in maskBuffer',
    run: (lib) => {
      const maskBuffer = Buffer.alloc(4);
      const keys = new Set<string>();
      for (let i = 0; i < 20; i++) {
        const [head] = lib.Sender.frame(Buffer.from('a'), { ...PLAIN, mask: true, maskBuffer });
        keys.add(head.toString('hex', 2, 6));
        if (head.toString('hex', 2, 6) !== maskBuffer.toString('hex')) return 'not in maskBuffer';
      }
      return keys.size > 15;
    },
    expected: true,
  },
  {
    id: 'L2',
    it: 'a Sender writes what its methods get',
    run: async (lib) => {
      const socket = sink();
      const sender = new lib.Sender(socket);
      const options = { binary: false, compress: false, fin: true, mask: false };
      sender.send('a', options);
      sender.send(Buffer.from('b'), { ...options, binary: true });
      sender.send('c', { ...options, fin: false });
      sender.send('d', options);
      sender.ping('e', false);
      sender.pong('f', false);
      sender.close(1000, 'g', false);
      await until(() => socket.bytes().length >= 46, 'the frames');
      return socket.bytes();
    },
    expected: '8101618201620101638001648901658a0166880303e867',
  },
  {
    id: 'L2',
    it: 'a Sender masks, with generateMask',
    run: async (lib) => {
      const socket = sink();
      const sender = new lib.Sender(socket, {}, ones);
      sender.send('a', { binary: false, compress: false, fin: true, mask: true });
      await turns();
      return socket.bytes();
    },
    expected: '81810101010160',
  },
  {
    id: 'L2',
    it: 'a Sender calls back when it has written',
    run: (lib) => {
      const sender = new lib.Sender(sink());
      const options = { binary: false, compress: false, fin: true, mask: false };
      return new Promise((done) => sender.send('a', options, (error?: Error) => done(said(error))));
    },
    expected: 'no error',
  },
  {
    id: 'L2 U2',
    it: 'sendFrame writes a list of one or two parts',
    run: async (lib) => {
      const socket = sink();
      const sender = new lib.Sender(socket);
      const calls: string[] = [];
      sender.sendFrame([Buffer.from('ab')], () => calls.push('first'));
      sender.sendFrame([Buffer.from('c'), Buffer.from('d')], () => calls.push('second'));
      await until(() => calls.length === 2, 'callbacks');
      return [calls, socket.bytes()];
    },
    expected: [['first', 'second'], '61626364'],
  },
  {
    id: 'L2',
    it: 'the methods and fields of a Sender',
    run: (lib) => {
      const socket = sink();
      const sender = new lib.Sender(socket, {});
      const methods = ['close', 'ping', 'pong', 'send', 'sendFrame'];
      const { _socket, _bufferedBytes, _extensions } = sender;
      return [
        methods.map((name) => typeof sender[name]),
        _socket === socket,
        _bufferedBytes,
        _extensions,
      ];
    },
    expected: [Array(5).fill('function'), true, 0, {}],
  },
  {
    id: 'L2',
    it: 'the queue of a Sender is its own affair',
    run: (lib) => {
      const sender = new lib.Sender(sink());
      const names = ['dispatch', 'enqueue', 'dequeue', 'getBlobData'];
      return names.every((name) => typeof sender[name] === 'function');
    },
    expected: true,
    differs: { expected: false, why: 'its inner parts, which nobody was seen using' },
  },
  {
    id: 'L3',
    it: 'a Receiver is a Writable that emits messages',
    run: async (lib) => {
      const seen = await received(
        lib,
        { isServer: false },
        frame({ payload: 'a' }),
        frame({ opcode: OPCODE.BINARY, payload: 'b' }),
        frame({ opcode: OPCODE.PING, payload: 'c' }),
        frame({ opcode: OPCODE.PONG, payload: 'd' }),
        frame({ fin: false, payload: 'e' }),
        frame({ opcode: OPCODE.CONTINUATION, payload: 'f' }),
        frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000, 'g') }),
      );
      return [new lib.Receiver() instanceof Writable, seen];
    },
    expected: [
      true,
      [
        ['message', 'a', false],
        ['message', 'b', true],
        ['ping', 'c'],
        ['pong', 'd'],
        ['message', 'ef', false],
        ['conclude', 1000, 'g'],
        'finish',
      ],
    ],
  },
  {
    id: 'L3',
    it: 'a Receiver of a server wants masks, in chunks of any size',
    run: async (lib) => {
      const bytes = frame({ payload: 'hello', mask: KEY });
      const chunks = [...bytes].map((byte) => Buffer.from([byte]));
      return [
        await received(lib, { isServer: true }, ...chunks),
        await received(lib, { isServer: true }, frame({ payload: 'a' })),
      ];
    },
    expected: [
      [['message', 'hello', false]],
      [['RangeError: Invalid WebSocket frame: MASK must be set', 'WS_ERR_EXPECTED_MASK']],
    ],
  },
  {
    id: 'L3',
    it: 'the limits of a Receiver are off unless they are given',
    run: async (lib) => {
      const message = [
        frame({ fin: false, payload: 'abc' }),
        frame({ opcode: OPCODE.CONTINUATION, payload: 'def' }),
      ];
      return [
        await received(lib, {}, ...message),
        await received(lib, { maxPayload: 5 }, ...message),
        await received(lib, { maxFragments: 1 }, ...message),
      ];
    },
    expected: [
      [['message', 'abcdef', false]],
      [['RangeError: Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']],
      [['RangeError: Too many message fragments', 'WS_ERR_TOO_MANY_BUFFERED_PARTS']],
    ],
  },
  {
    id: 'L3',
    it: 'binaryType and skipUTF8Validation of a Receiver',
    run: async (lib) => {
      const bad = frame({ payload: Buffer.from([0xff]) });
      const binary = frame({ opcode: OPCODE.BINARY, payload: 'a' });
      const [array] = await received(lib, { binaryType: 'arraybuffer' }, binary);
      const [list] = await received(lib, { binaryType: 'fragments' }, binary);
      const [text] = await received(lib, { skipUTF8Validation: true }, bad);
      return [
        Object.prototype.toString.call((array as unknown[])[1]),
        Array.isArray((list as unknown[])[1]),
        (text as unknown[])[0],
      ];
    },
    expected: ['[object ArrayBuffer]', true, 'message'],
  },
  {
    id: 'L4 V8.20',
    it: 'the name of the extension, and what a client offers',
    run: (lib) => {
      const { PerMessageDeflate } = lib;
      return [
        PerMessageDeflate.extensionName,
        { ...new PerMessageDeflate().offer() },
        { ...new PerMessageDeflate({ clientMaxWindowBits: false }).offer() },
        {
          ...new PerMessageDeflate({
            serverNoContextTakeover: true,
            clientNoContextTakeover: true,
            serverMaxWindowBits: 10,
            clientMaxWindowBits: 11,
          }).offer(),
        },
      ];
    },
    expected: [
      'permessage-deflate',
      { client_max_window_bits: true },
      {},
      {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: 10,
        client_max_window_bits: 11,
      },
    ],
  },
  {
    id: 'L4',
    it: 'accept() settles the parameters',
    run: (lib) => {
      const pmd = new lib.PerMessageDeflate({ isServer: true, serverNoContextTakeover: true });
      const before = pmd.params;
      const accepted = pmd.accept([{ client_max_window_bits: ['12'] }]);
      return [before, accepted, accepted === pmd.params];
    },
    expected: [null, { client_max_window_bits: 12, server_no_context_takeover: true }, true],
  },
  {
    id: 'L4',
    it: 'accept() returns an object without a prototype if extension.parse() made the offers',
    run: (lib) => {
      const { 'permessage-deflate': offers } = lib.extension.parse('permessage-deflate');
      return ['server', 'client'].map((role) => {
        const pmd = new lib.PerMessageDeflate({ isServer: role === 'server' });
        return Object.getPrototypeOf(pmd.accept(offers ?? []));
      });
    },
    expected: [null, null],
  },
  {
    id: 'L4',
    it: 'compress() and decompress() are inverse, across fragments',
    run: async (lib) => {
      const server = new lib.PerMessageDeflate({ isServer: true });
      const client = new lib.PerMessageDeflate({ isServer: false });
      const call = (of: Untyped, name: string, data: unknown, fin: boolean): Promise<Buffer> =>
        new Promise((done, fail) =>
          of[name](data, fin, (error: Error | null, result: Buffer) =>
            error ? fail(error) : done(result),
          ),
        );
      server.accept([{}]);
      client.accept([{}]);
      const seen: string[] = [];
      for (const [text, fin] of [
        ['hello ', false],
        ['hello', true],
        ['again', true],
      ] as [string, boolean][]) {
        const bytes = await call(server, 'compress', Buffer.from(text), fin);
        seen.push(String(await call(client, 'decompress', bytes, fin)));
      }
      server.cleanup();
      client.cleanup();
      return seen;
    },
    expected: ['hello ', 'hello', 'again'],
    differs: {
      expected: ['', 'hello hello', 'again'],
      why: 'no stream is kept: the last fragment brings all of it',
    },
  },
  {
    id: 'L4 S8',
    it: 'maxPayload of PerMessageDeflate',
    run: async (lib) => {
      const sender = new lib.PerMessageDeflate({ isServer: true });
      const receiver = new lib.PerMessageDeflate({ isServer: false, maxPayload: 25 });
      sender.accept([{}]);
      receiver.accept([{}]);
      const bytes = await new Promise<Buffer>((done) =>
        sender.compress(Buffer.alloc(500), true, (_: unknown, result: Buffer) => done(result)),
      );
      const error = await new Promise<NodeJS.ErrnoException>((done) =>
        receiver.decompress(bytes, true, (failure: NodeJS.ErrnoException) => done(failure)),
      );
      sender.cleanup();
      receiver.cleanup();
      return [said(error), error.code];
    },
    expected: ['RangeError: Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
  },
  parses('foo', [['foo', [[]]]]),
  parses('foo; bar', [['foo', [[['bar', [true]]]]]]),
  parses('foo;bar=1;bar="two";baz,foo;q', [
    [
      'foo',
      [
        [
          ['bar', ['1', 'two']],
          ['baz', [true]],
        ],
        [['q', [true]]],
      ],
    ],
  ]),
  parses('foo \t; \t bar', [['foo', [[['bar', [true]]]]]]),
  parses('foo; bar="b\\az"', [['foo', [[['bar', ['baz']]]]]]),
  parses('__proto__; __proto__=1', [['__proto__', [[['__proto__', ['1']]]]]]),
  refuses('extension', '', 'Unexpected end of input'),
  refuses('extension', 'foo;', 'Unexpected end of input'),
  refuses('extension', 'foo,', 'Unexpected end of input'),
  refuses('extension', 'foo; bar=', 'Unexpected end of input'),
  refuses('extension', 'foo; bar="baz', 'Unexpected end of input'),
  refuses('extension', ';foo', 'Unexpected character at index 0'),
  refuses('extension', 'foo bar', 'Unexpected character at index 4'),
  refuses('extension', 'foo; bar=""', 'Unexpected character at index 10'),
  refuses('extension', 'foo;bar="a b"', 'Unexpected character at index 10'),
  refuses('extension', 'föo', 'Unexpected character at index 1'),
  {
    id: 'L5',
    it: 'extension.format is the inverse',
    run: (lib) => [
      lib.extension.format({ foo: {} }),
      lib.extension.format({ foo: [{ bar: true }, { baz: ['1', '2'] }], q: { r: 5 } }),
      lib.extension.format({}),
    ],
    expected: ['foo', 'foo; bar, foo; baz=1; baz=2, q; r=5', ''],
  },
  {
    id: 'L5',
    it: 'what extension.parse gives has no prototype',
    run: (lib) => {
      const offers = lib.extension.parse('foo; bar');
      return [Object.getPrototypeOf(offers), Object.getPrototypeOf(offers.foo[0])];
    },
    expected: [null, null],
  },
  {
    id: 'L6 V8.20',
    it: 'subprotocol.parse gives a Set',
    run: (lib) =>
      ['foo', 'foo,bar', 'foo , bar\t,baz', '!#$%&'].map((header) => {
        const protocols = lib.subprotocol.parse(header);
        return [protocols instanceof Set, ...protocols];
      }),
    expected: [
      [true, 'foo'],
      [true, 'foo', 'bar'],
      [true, 'foo', 'bar', 'baz'],
      [true, '!#$%&'],
    ],
  },
  refuses('subprotocol', '', 'Unexpected end of input'),
  refuses('subprotocol', 'foo,', 'Unexpected end of input'),
  refuses('subprotocol', 'foo,foo', 'The "foo" subprotocol is duplicated'),
  refuses('subprotocol', ',foo', 'Unexpected character at index 0'),
  refuses('subprotocol', 'foo,,bar', 'Unexpected character at index 4'),
  refuses('subprotocol', 'foo bar', 'Unexpected character at index 4'),
  refuses('subprotocol', 'foo@bar', 'Unexpected character at index 3'),
]);
