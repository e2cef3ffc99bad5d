/** The types beside those of browsers: TypeScript's library `dom`. */

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as ts from 'typescript';

const ROOT = join(__dirname, '../../..');

const PROGRAM = `
  import { CloseEvent, WebSocket } from '../../../src/standard/index.js';
  export const Class: typeof globalThis.WebSocket = WebSocket;
  export const socket: globalThis.WebSocket = new WebSocket('ws://a/', { heartbeat: true });
  export const created: globalThis.WebSocket = new Class('ws://a/', ['chat']);
  export const closing: globalThis.CloseEvent = new CloseEvent('close');
  const ws = new WebSocket('ws://a/');
  ws.onmessage = (event: globalThis.MessageEvent<string>) => event.data.length;
  ws.onclose = (event: globalThis.CloseEvent) => event.code;
  ws.addEventListener('message', (event: globalThis.MessageEvent) => event.origin);
  ws.addEventListener('error', (event: globalThis.Event) => event.type);
  ws.send(new Blob(['a']));
`;

test('a program for the WebSocket of browsers compiles', () => {
  const name = join(__dirname, 'program.ts');
  const options: ts.CompilerOptions = {
    ...{
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    ...{ lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], target: ts.ScriptTarget.ES2022 },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    ...{ exactOptionalPropertyTypes: true, esModuleInterop: true },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => path === name || fileExists(path);
  host.readFile = (path) => (path === name ? PROGRAM : readFile(path));
  host.getSourceFile = (path, ...rest) =>
    path === name
      ? ts.createSourceFile(path, PROGRAM, ts.ScriptTarget.ES2022)
      : getSourceFile(path, ...rest);
  const program = ts.createProgram([name], options, host);
  const found = program.getSemanticDiagnostics(program.getSourceFile(name));
  const shown = found.map(
    ({ file, messageText }) =>
      `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
  expect(shown).toEqual([]);
});
