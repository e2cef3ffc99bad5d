/** `ws6455/protocol`: its names, and that neither entry point loads what only the other one needs. */

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import * as protocol from '../../../src/protocol.js';
import { Compiled } from '../../support/child.js';

const { entry } = new Compiled();

const LIST_LOADED = `
  const { dirname, relative } = require('node:path');
  const { realpathSync } = require('node:fs');
  const path = realpathSync(process.argv[1]);
  const root = dirname(realpathSync(process.argv[2]));
  const before = process.moduleLoadList.length;
  require(path);
  const files = Object.keys(require.cache).map((file) => relative(root, file));
  const builtin = process.moduleLoadList.slice(before).map((name) => name.split(' ').at(-1));
  console.log(JSON.stringify({ files: files.map((file) => file.replaceAll('\\\\', '/')), builtin }));`;

interface Loaded {
  readonly files: string[];
  /** The modules of Node that were loaded for them. */
  readonly builtin: string[];
}

/** What a process loads that requires one entry point of the package. */
function loadedBy(name: string): Loaded {
  const path = entry.replace(/index\.js$/, name);
  const text = execFileSync(process.execPath, ['-e', LIST_LOADED, '--', path, entry], {
    encoding: 'utf8',
  });
  return JSON.parse(text) as Loaded;
}

function foldersOf({ files }: Loaded): string[] {
  const folders = files.map((file) => (file.includes('/') ? file.replace(/\/.*/, '') : file));
  return [...new Set(folders)].sort();
}

test('the names of ws6455/protocol', () => {
  expect(Object.keys(protocol).sort()).toEqual([
    'ClientProtocol',
    'CloseCode',
    'FrameDecoder',
    'FrameHeader',
    'HandshakeError',
    'Opcode',
    'ProtocolError',
    'ServerProtocol',
    'acceptFor',
    'answerHandshake',
    'decodeFrames',
    'encodeFrame',
    'isCloseCode',
    'readHeader',
    'startHandshake',
  ]);
});

describe('what is loaded', () => {
  test('by ws6455: nothing of ws6455/protocol', () => {
    expect(foldersOf(loadedBy('index.js'))).toEqual([
      'client',
      'compat',
      'connection',
      'handshake',
      'index.js',
      'permessage-deflate',
      'protocol',
      'server',
      'websocket',
    ]);
  });

  test('by ws6455: no promises, iterators and topics, until they are used', () => {
    const lazy =
      /^(websocket\/(abort-error|closed|connect|inbox|messages|sent)|server\/(handle|topics|interest|envelope|remote-topics))\.js$/;
    expect(loadedBy('index.js').files.filter((file) => lazy.test(file))).toEqual([]);
  });

  test('by ws6455/topics: of the server only the history in memory', () => {
    const { files } = loadedBy('topics/index.js');
    expect(files.filter((file) => /^(server|websocket|client)\//.test(file))).toEqual([
      'server/memory-history.js',
    ]);
  });

  test('by ws6455/protocol: no socket, no server', () => {
    const loaded = loadedBy('protocol.js');
    expect(foldersOf(loaded)).toEqual([
      'client',
      'connection',
      'handshake',
      'permessage-deflate',
      'protocol',
      'protocol.js',
      'sans-io',
    ]);
    const { files, builtin } = loaded;
    expect(files.filter((file) => file.startsWith('client/'))).toEqual(['client/url.js']);
    expect(builtin.filter((name) => /^(net|tls|http|https|dns|_http_.*)$/.test(name))).toEqual([]);
  });
});
