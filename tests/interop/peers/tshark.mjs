/** tshark, the terminal version of Wireshark: it reads the pcapng that a recording is exported to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { within } from '../support/deadline.mjs';
import { listen } from '../support/listen.mjs';
import { relay } from '../support/relay.mjs';
import { result, skip } from '../support/results.mjs';
import { fileOf, load } from '../support/subject.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const NAME = 'tshark';
const require = createRequire(import.meta.url);

const { status, stdout } = spawnSync('tshark', ['--version'], { encoding: 'utf8' });

/** Parts of the product that have no entry point of their own. */
function loadRecording(name) {
  return require(join(dirname(fileOf('ws6455')), 'recording', `${name}.js`));
}

/** Records what npm `ws` says to itself, with compression. */
async function recordConversation(recorder) {
  const ws = load('ws');
  const server = await listen(
    ws,
    'tcp',
    undefined,
    (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary, compress: !binary }));
    },
    { perMessageDeflate: { threshold: 0 } },
  );
  const [host, port] = new URL(server.base).host.split(':');
  const details = { client: '127.0.0.1:50312', server: `${host}:${port}` };
  const connection = recorder.connect({ url: `${server.base}/chat`, ...details });
  const through = await relay(
    { host, port: Number(port) },
    {
      client: (bytes) => connection.receive('client', bytes),
      server: (bytes) => connection.receive('server', bytes),
    },
  );
  const socket = new ws.WebSocket(`ws://${through.host}/chat`);
  await once(socket, 'open');
  for (const data of ['Hello', 'Hello again', Buffer.alloc(200_000, 7)]) {
    socket.send(data, { compress: false });
    await once(socket, 'message');
  }
  socket.ping('p');
  await once(socket, 'pong');
  socket.send('frag', { fin: false, compress: false });
  socket.send('ment', { compress: false });
  await once(socket, 'message');
  socket.close(1000, 'bye');
  await once(socket, 'close');
  connection.end('server');
  connection.end('client');
  through.close();
  await server.close();
}

/** Two frames of RFC 6455 §5.7, and one that is not masked, over IPv6 and TLS. */
function recordByHand(recorder) {
  const connection = recorder.connect({
    url: 'wss://[2001:db8::2]/',
    client: '[2001:db8::1]:50000',
    server: '[2001:db8::2]:443',
  });
  const text = (...lines) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  connection.receive('client', text('GET / HTTP/1.1', 'Host: [2001:db8::2]', ...upgrade, key));
  const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
  connection.receive('server', text('HTTP/1.1 101 Switching Protocols', ...upgrade, accept));
  connection.receive('client', Buffer.from('818537fa213d7f9f4d5158', 'hex'));
  connection.receive('server', Buffer.from('810548656c6c6f', 'hex'));
  connection.receive('client', Buffer.from('810548656c6c6f', 'hex'));
  connection.end('client', new Error('reset'));
}

/** @returns the values of the fields, for each packet that the filter lets through */
function read(file, filter, fields) {
  const checks = ['tcp', 'ip'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
  const columns = fields.flatMap((field) => ['-e', field]);
  const command = ['-r', file, ...checks, '-Y', filter, '-T', 'fields', ...columns];
  const { status, stdout, stderr } = spawnSync('tshark', command, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map((line) => line.split('\t').join(' ').trim());
}

async function exportRecording() {
  const { Recorder } = loadRecording('recorder');
  const { toPcapng } = loadRecording('pcapng');
  const records = [];
  const recorder = new Recorder((record) => records.push(record));
  await within(10_000, 'the conversation ends', recordConversation(recorder));
  recordByHand(recorder);
  const file = join(temporaryFolder, 'recording.pcapng');
  writeFileSync(file, toPcapng(records));
  return file;
}

const FRAME = ['fin', 'pmc', 'opcode', 'mask'].map((name) => `websocket.${name}`);

async function readAll() {
  const [line] = stdout.split('\n');
  const [, version] = /(\d+\.\d+\.\d+)/.exec(line) ?? [];
  const title = `${NAME} ${version}`;
  const file = await exportRecording();
  await result(`${title}: every packet is whole, and its checksums are right`, () => {
    assert.deepEqual(read(file, '_ws.malformed || _ws.short', ['frame.number']), []);
    assert.deepEqual(read(file, 'tcp.analysis.flags', ['frame.number', '_ws.expert.message']), []);
    const sums = new Set(read(file, 'ip', ['tcp.checksum.status', 'ip.checksum.status']));
    assert.deepEqual([...sums], ['1 1']);
    assert.deepEqual([...new Set(read(file, 'ipv6', ['tcp.checksum.status']))], ['1']);
  });
  await result(`${title}: reads both handshakes`, () => {
    assert.deepEqual(read(file, 'http', ['http.request.uri', 'http.response.code']), [
      ...['/chat', '101', '/', '101'],
    ]);
  });
  await result(`${title}: reads the bits of each frame`, () => {
    const [hello, echo, again, , binary, binaryEcho, ...rest] = read(
      file,
      'ip && websocket',
      FRAME,
    );
    assert.deepEqual([hello, echo, again], ['1 0 1 1', '1 1 1 0', '1 0 1 1']);
    assert.deepEqual([binary, binaryEcho], ['1 0 2 1', '1 0 2 0']);
    const control = ['1 0 9 1', '1 0 10 0', '0 0 1 1', '1 0 0 1', '1 1 1 0', '1 0 8 1', '1 0 8 0'];
    assert.deepEqual(rest, control);
    // It shows the bit of permessage-deflate only where that was negotiated.
    assert.deepEqual(read(file, 'ipv6 && websocket', FRAME), ['1  1 1', '1  1 0', '1  1 0']);
  });
  await result(`${title}: unmasks and inflates, and finds the reason of the Close`, () => {
    const texts = read(file, 'websocket.payload.text', ['websocket.payload.text']);
    assert.deepEqual(texts.slice(0, 4), ['Hello', 'Hello', 'Hello again', 'Hello again']);
    assert.deepEqual(texts.slice(-3), ['Hello', 'Hello', 'Hello']);
    const close = ['status_code', 'reason'].map((name) => `websocket.payload.close.${name}`);
    assert.deepEqual(read(file, 'websocket.opcode == 8', close), ['1000 bye', '1000 bye']);
  });
  await result(`${title}: sees how each connection ends`, () => {
    assert.equal(read(file, 'ip && tcp.flags.fin == 1', ['frame.number']).length, 2);
    assert.equal(read(file, 'ipv6 && tcp.flags.reset == 1', ['frame.number']).length, 1);
  });
}

if (status !== 0) skip(NAME, 'no tshark');
else await readAll();
