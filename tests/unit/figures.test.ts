/** The figures in docs/images are drawn from the code: its tables, its imports, its stacks. */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLOSING_TABLE } from '../../src/protocol/close.js';
import { closingFigure, edgesOf } from '../support/figures/closing.js';
import { floorsFigure } from '../support/figures/floors.js';
import { frameFigure } from '../support/figures/frame.js';
import { type Call, callsOf, pathsFigure } from '../support/figures/paths.js';
import { fanOutFigure, memoryFigure, messagesFigure } from '../support/figures/scale.js';
import { stormFigure } from '../support/figures/storm.js';
import { ManualWire } from '../support/manual-wire.js';
import { FOLDERS, files, sourcesOf } from '../support/source-files.js';
import { frameFor, onWire } from '../support/websockets.js';

const ROOT = join(__dirname, '../..');

/** The calls that are on the stack when `run` calls the function it is given. */
async function callsWhen(run: (reached: () => void) => Promise<void> | void): Promise<Call[]> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  let stack = '';
  try {
    await run(() => {
      stack ||= new Error().stack ?? '';
    });
  } finally {
    Error.stackTraceLimit = limit;
  }
  return callsOf(stack);
}

function received(): Promise<Call[]> {
  return callsWhen(async (reached) => {
    const wire = new ManualWire();
    const ws = onWire(wire, 'server');
    const message = new Promise<void>((done) => {
      ws.on('message', () => {
        reached();
        done();
      });
    });
    wire.push(frameFor('server', { payload: 'Hello' }));
    await message;
    ws.terminate();
  });
}

function sent(): Promise<Call[]> {
  return callsWhen((reached) => {
    const wire = new ManualWire();
    const ws = onWire(wire, 'server');
    const write = wire.write.bind(wire);
    wire.write = ((...args: Parameters<typeof write>) => {
      reached();
      return write(...args);
    }) as typeof wire.write;
    ws.send('Hello');
    ws.terminate();
  });
}

/** What the README says that each folder is. */
function contents(): Map<string, string> {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const rows = readme.matchAll(/^\| `src\/([\w-]+)\/` \| ([^|]+?) \|/gm);
  return new Map(Array.from(rows, ([, name = '', content = '']) => [name, content]));
}

function floors(): string {
  const texts = contents();
  return floorsFigure(
    FOLDERS.map((name) => {
      const own = files.filter((file) => dirname(file) === name);
      const imports = new Set(own.flatMap(sourcesOf).map((file) => dirname(file)));
      imports.delete(name);
      const [content = ''] = (texts.get(name) ?? '').split(/: (?=.{60})|\. /);
      return { name, content: content.replaceAll('`', ''), imports: [...imports] };
    }),
  );
}

const LANES = ['connection', 'protocol', 'websocket'];

const FIGURES: readonly (readonly [name: string, draw: () => string | Promise<string>])[] = [
  ['frame', frameFigure],
  ['paths', async () => pathsFigure(LANES, await received(), await sent())],
  ['closing', closingFigure],
  ['folders', floors],
  ['storm', stormFigure],
  ['scale-memory', memoryFigure],
  ['scale-messages', messagesFigure],
  ['scale-fan-out', fanOutFigure],
];

// UPDATE_DOCS=1 npx jest tests/unit/figures.test.ts draws them anew.
test.each(FIGURES)('docs/images/%s.svg is drawn from the code', async (name, draw) => {
  const path = join(ROOT, `docs/images/${name}.svg`);
  const drawn = await draw();
  if (process.env['UPDATE_DOCS']) writeFileSync(path, drawn);
  expect(readFileSync(path, 'utf8')).toBe(drawn);
});

test('a message passes three folders in each direction', async () => {
  const foldersOf = (calls: readonly Call[]) => [...new Set(calls.map(({ folder }) => folder))];
  expect(foldersOf(await received())).toEqual(LANES);
  expect(foldersOf(await sent()).sort()).toEqual([...LANES].sort());
});

test('the figure of the closing handshake has every step of the table', () => {
  const steps = Object.values(CLOSING_TABLE).flatMap((row) =>
    Object.values(row).flatMap((cell) => ('to' in cell ? [cell] : [cell.server, cell.client])),
  );
  expect(edgesOf().flatMap(({ inputs }) => inputs)).toHaveLength(steps.length);
});

test('the README names every folder of src', () => {
  const named = [...contents().keys()].sort();
  expect(named).toEqual(FOLDERS.filter((name) => name !== '.').sort());
});
