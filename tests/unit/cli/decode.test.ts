/** `ws6455 decode`: its output, its inputs and its exit codes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCli, startProcess } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const decode = (...args: string[]) => runCli(scope(), ['decode', ...args]);

const MASKED = '818537fa213d7f9f4d5158';
const UNMASKED = '810548656c6c6f';
const REQUEST =
  'GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

function fileWith(name: string, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-'));
  scope().later(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

test('the masked Hello of RFC 6455 §5.7', async () => {
  const { status, stdout } = await decode('81 85 37 fa 21 3d 7f 9f 4d 51 58');
  expect(status).toBe(0);
  expect(stdout).toBe(`\
Frame 1: text, 5 bytes of payload, 11 in all, at byte 0, from the client
   0                   1                   2                   3
   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  +-+-+-+-+-------+-+-------------+-------------------------------+
  |F|R|R|R| opcode|M| Payload len |          Masking-key          |
  |I|S|S|S|       |A|             |                               |
  |N|V|V|V|  text |S|      5      |             37 fa             |
  | |1|2|3|       |K|             |                               |
  |1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
  +-+-+-+-+-------+-+-------------+---------------+---------------+
  |      Masking-key (cont.)      | Payload byte 0| Payload byte 1|
  |             21 3d             |  7f^37 = 48 H |  9f^fa = 65 e |
  |0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1|1 0 0 1 1 1 1 1|
  +---------------+---------------+---------------+---------------+
  | Payload byte 2| Payload byte 3| Payload byte 4|
  |  4d^21 = 6c l |  51^3d = 6c l |  58^37 = 6f o |
  |0 1 0 0 1 1 0 1|0 1 0 1 0 0 0 1|0 1 0 1 1 0 0 0|
  +---------------+---------------+---------------+

  FIN          1            the last frame of its message. RFC 6455 §5.4
  RSV1         0            the message is not compressed. RFC 7692 §6
  RSV2         0            reserved: 0. RFC 6455 §5.2
  RSV3         0            reserved: 0. RFC 6455 §5.2
  opcode       0001         1: text, a data frame. RFC 6455 §5.6
  MASK         1            masked, as a client sends it. RFC 6455 §5.1
  Payload len  0000101      5 bytes of payload. RFC 6455 §5.2
  Masking-key  37 fa 21 3d  each byte of the payload is XORed with one of 37 fa
                            21 3d. RFC 6455 §5.3

  masked payload  7f 9f 4d 51 58
  masking key     37 fa 21 3d 37
  XOR = payload   48 65 6c 6c 6f Hello

  message         text, 5 bytes: "Hello"
`);
});

test('the unmasked Hello', async () => {
  const { status, stdout } = await decode('81', '05', '48', '65', '6c', '6c', '6f');
  expect(status).toBe(0);
  expect(stdout.split('\n').slice(3, 9).join('\n')).toBe(`\
  +-+-+-+-+-------+-+-------------+---------------+---------------+
  |F|R|R|R| opcode|M| Payload len | Payload byte 0| Payload byte 1|
  |I|S|S|S|       |A|             |               |               |
  |N|V|V|V|  text |S|      5      |      48 H     |      65 e     |
  | |1|2|3|       |K|             |               |               |
  |1|0|0|0|0 0 0 1|0|0 0 0 0 1 0 1|0 1 0 0 1 0 0 0|0 1 1 0 0 1 0 1|`);
  expect(stdout).toContain('not masked, as a server sends it. RFC 6455 §5.1');
  expect(stdout).toContain('\n  payload         48 65 6c 6c 6f Hello\n');
});

test('the compressed Hello of RFC 7692 §7.2.3.1', async () => {
  const { stdout } = await decode('c107f248cdc9c90700');
  expect(stdout).toContain('permessage-deflate: compressed. RFC 7692 §6');
  expect(stdout).toContain('  inflated        48 65 6c 6c 6f Hello\n');
  expect(stdout).toContain('text, 7 bytes inflated to 5: "Hello"');
  const { status, stdout: plain } = await decode('c107f248cdc9c90700', '--no-deflate');
  expect(status).toBe(1);
  expect(plain).toContain('VIOLATION       Invalid WebSocket frame: RSV1 must be clear');
});

test('fragments, with a Ping between them, and a Close', async () => {
  const { stdout } = await decode('010348656c 890148 80026c6f 880503e8627965');
  const titles = stdout.split('\n').filter((line) => line.startsWith('Frame'));
  expect(titles.map((line) => line.replace(/,.*/, ''))).toEqual([
    'Frame 1: text',
    'Frame 2: ping',
    'Frame 3: continuation',
    'Frame 4: close',
  ]);
  expect(stdout).toContain('  message         text of 2 frames, 5 bytes: "Hello"\n');
  expect(stdout).toContain('  close           1000 (normal closure): bye\n');
});

describe('what breaks a rule is named with its section and close code, and the exit code is 1', () => {
  test.each<[string, string[], RegExp]>([
    ['no mask', ['--from', 'client', UNMASKED], /MASK must be set\. RFC 6455 §5\.1\. .*1002/],
    ['a mask', ['--from', 'server', MASKED], /MASK must be clear\. RFC 6455 §5\.1\. .*1002/],
    ['an opcode', ['8300'], /invalid opcode 3\. RFC 6455 §5\.2, §5\.4\. .*1002/],
    ['a fragmented Ping', ['0900'], /FIN must be set\. RFC 6455 §5\.5\. .*1002/],
    ['no UTF-8', ['8101ff'], /invalid UTF-8 sequence\. RFC 6455 §8\.1\. .*1007/],
    ['a close code', ['880203ed'], /invalid status code 1005\. RFC 6455 §7\.4\. .*1002/],
    ['a length', ['817e0001', '61'], /not in its shortest form\. RFC 6455 §5\.2\. .*1002/],
  ])('%s', async (_, args, violation) => {
    const { status, stdout } = await decode(...args);
    expect(status).toBe(1);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(violation);
  });
});

test('an incomplete frame is shown as far as it came', async () => {
  const { status, stdout } = await decode('8185 37fa213d 7f');
  expect(status).toBe(0);
  expect(stdout).toContain('Frame 1 is incomplete: 4 bytes missing, from the client\n');
  expect(stdout).toContain('Masking-key');
});

test('--brief prints a line for each frame', async () => {
  const { stdout } = await decode('-b', `${UNMASKED}8900`);
  expect(stdout).toBe('server < text FIN 5 bytes: Hello\nserver < ping FIN 0 bytes\n');
});

test('--max limits the payload', async () => {
  const { stdout } = await decode('--max', '2', UNMASKED);
  expect(stdout).toContain('(3 more bytes of payload)');
  expect(stdout).toContain('"He" …');
});

test('a narrow terminal gets rows of 16 bits', async () => {
  const { stdout } = await runCli(scope(), ['decode', MASKED], '', { COLUMNS: '60' });
  const [, , ruler = ''] = stdout.split('\n');
  expect(ruler.trim()).toBe('0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5');
  expect(
    Math.max(
      ...stdout
        .split('\n')
        .slice(1)
        .map((line) => line.length),
    ),
  ).toBeLessThan(61);
});

describe('inputs', () => {
  const LINE = 'client > text FIN masked 5 bytes: Hello\n';
  test.each<[string, string | Buffer]>([
    ['raw bytes', Buffer.from(MASKED, 'hex')],
    ['digits', MASKED],
    ['0x and commas', '0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58\n'],
    ['colons and lines', '81:85:37:fa\n21:3d:7f:9f\n4d:51:58\n'],
    ['xxd', '00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n'],
    ['hexdump', '0000000 8581 fa37 3d21 9f7f 514d 0058\n000000b\n'],
    ['hexdump -C', '00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58   |..7.!=..MQX|\n0000000b\n'],
    ['od -t x1', '0000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n0000013\n'],
  ])('%s from standard input and from a file', async (_, content) => {
    const piped = await runCli(scope(), ['decode', '-b'], content);
    expect(piped.stdout).toBe(LINE);
    expect((await decode('-b', fileWith('input', content))).stdout).toBe(LINE);
  });

  test('the head of a handshake before the frames is explained', async () => {
    const bytes = Buffer.concat([Buffer.from(REQUEST), Buffer.from(MASKED, 'hex')]);
    const { status, stdout } = await runCli(scope(), ['decode', '-'], bytes);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Opening handshake, from the client\n {2}GET \/chat HTTP\/1\.1\n/);
    expect(stdout).toContain('  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n');
    expect(stdout).toContain('\nFrame 1: text');
  });

  test('a wrong head has the exit code 1', async () => {
    const head = REQUEST.replace('Version: 13', 'Version: 12');
    const { status, stdout } = await runCli(scope(), ['decode', '-b'], head);
    expect(status).toBe(1);
    expect(stdout).toContain('! Missing or invalid Sec-WebSocket-Version header');
  });

  test('the HAR of a browser', async () => {
    const messages = [
      { type: 'send', time: 1767225600.5, opcode: 1, data: 'Hello' },
      { type: 'receive', time: 1767225600.6, opcode: 2, data: 'AQID' },
    ];
    const entry = {
      startedDateTime: '2026-01-01T00:00:00.000Z',
      request: { method: 'GET', url: 'wss://example.com/chat', headers: [] },
      response: { status: 101, statusText: 'Switching Protocols', headers: [] },
      _webSocketMessages: messages,
    };
    const har = JSON.stringify({ log: { version: '1.2', creator: {}, entries: [entry] } });
    const { stdout } = await decode('-b', fileWith('session.har', har));
    expect(stdout).toContain('client > text FIN masked 5 bytes: Hello\n');
    expect(stdout).toContain('server < binary FIN 3 bytes: 01 02 03\n');
  });

  test('nothing, and what is neither a file nor digits', async () => {
    const empty = await runCli(scope(), ['decode', '-']);
    expect(empty).toEqual({
      status: 1,
      stdout: '',
      stderr: 'ws6455: there is nothing to decode\n',
    });
    const unknown = await decode('no-such-file');
    expect(unknown.stderr).toBe('ws6455: no-such-file is neither a file nor hexadecimal digits\n');
  });
});

test('a reader that goes away ends it quietly', async () => {
  const cli = startProcess(scope(), ['decode', '-']);
  cli.parts.stdin.end(Buffer.from(UNMASKED.repeat(20_000), 'hex'));
  await cli.waitFor('stdout', /Frame 1/);
  cli.parts.stdout.destroy();
  const { status, stderr } = await cli.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
