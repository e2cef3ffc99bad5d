/**
 * What an editor shows of the installed package: "go to definition" leads from a program to the
 * TypeScript in `src`, through the declaration maps, and from there to the rest of `src`.
 */
import { ok } from 'node:assert';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { result } from '../interop/support/results.mjs';
import { at } from './commands.mjs';
import { Lsp, Tsserver } from './language-servers.mjs';

const SERVERS = [
  { version: '5.9', start: () => new Tsserver(at('node_modules/typescript/lib/tsserver.js')) },
  { version: '6', start: () => new Tsserver(at('../../node_modules/typescript/lib/tsserver.js')) },
  { version: '7', start: () => new Lsp(at('node_modules/typescript7/bin/tsc')) },
];

const PROGRAM = `import WebSocket, { WebSocketServer } from 'ws6455';
const ws = new WebSocket('ws://localhost:1');
ws.send('text');
ws.onmessage = console.log;
const wss = new WebSocketServer({ noServer: true });
wss.handleUpgrade;
`;

/** The last word of each is asked about. */
const PLACES = ['ws.send', 'ws.onmessage', 'noServer', 'wss.handleUpgrade'];

const OPTIONS = { module: 'nodenext', target: 'es2022', types: ['node'], strict: true };

function makeProgram(folder) {
  const project = join(folder, 'editor');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS }));
  writeFileSync(join(project, 'program.ts'), PROGRAM);
  return join(project, 'program.ts');
}

/** Whether a file is a TypeScript source, no declaration, in a folder. */
function isIn(folder, file) {
  return file.startsWith(join(folder, sep)) && /(?<!\.d)\.m?ts$/.test(file);
}

function positionAt(text, index) {
  const lines = text.slice(0, index).split('\n');
  return { line: lines.length - 1, character: lines.at(-1).length };
}

/** Each definition is a line of the shipped `src` that begins with the name. */
function checkInSource(definitions, name, source) {
  ok(definitions.length > 0, `no definition of ${name}`);
  for (const { file, start } of definitions) {
    ok(isIn(source, file), `${name} is defined in ${file}`);
    const line = readFileSync(file, 'utf8').split('\n')[start.line];
    ok(line.slice(start.character).startsWith(name), `${file}:${start.line + 1}: ${line}`);
  }
}

/** From a file of `src` to the first file that it imports. */
async function checkImport(server, file, source) {
  const text = readFileSync(file, 'utf8');
  const { index } = /(?<=^(?:import|export) [^;]* from '\.)\.?\//m.exec(text);
  await server.open(file);
  const [found] = await server.definitions(file, positionAt(text, index));
  ok(isIn(source, found.file) && found.file !== file, `it leads to ${found.file}`);
}

async function checkServer(server, title, program, source) {
  await result(`${title}: opens a program`, () => server.open(program));
  let landed;
  for (const place of PLACES) {
    const name = /\w+$/.exec(place)[0];
    await result(`${title}: ${place} leads to its line in src`, async () => {
      const index = PROGRAM.indexOf(place) + place.length - name.length;
      const definitions = await server.definitions(program, positionAt(PROGRAM, index));
      checkInSource(definitions, name, source);
      landed = definitions[0].file;
    });
  }
  await result(`${title}: from there on to what it imports`, () =>
    checkImport(server, landed, source),
  );
}

export async function checkEditors(consumer) {
  const folder = realpathSync(consumer);
  const program = makeProgram(folder);
  const source = join(folder, 'node_modules/ws6455/src');
  for (const { version, start } of SERVERS) {
    const server = start();
    const title = `editors: TypeScript ${version}`;
    await checkServer(server, title, program, source);
    server.kill();
  }
}
