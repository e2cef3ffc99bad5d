/** The preset of options for the open internet. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const warnings = useWarnings(scope);
const { hardened, WebSocketServer } = WebSocket;

test('every option of it is a known and valid one', async () => {
  const server = new WebSocketServer({ noServer: true, ...hardened });
  expect(server.options).toMatchObject(hardened);
  server.close();
  await new Promise((go) => setImmediate(go));
  expect(warnings('WS6455_UNKNOWN_OPTION')).toEqual([]);
});

test('it cannot be changed by accident, and later options replace it', () => {
  expect(Object.isFrozen(hardened)).toBe(true);
  const server = new WebSocketServer({ noServer: true, ...hardened, maxPayload: 5 });
  expect(server.options.maxPayload).toBe(5);
});

test('production.md explains each of its options with the same value', () => {
  const text = readFileSync(join(__dirname, '../../../docs/production.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [
    name,
    value,
  ]);
  const format = (value: unknown): string => {
    if (typeof value === 'number') return value.toLocaleString('en').replaceAll(',', ' ');
    if (typeof value === 'object') {
      const parts = Object.entries(value ?? {}).map(([key, part]) => `${key}: ${format(part)}`);
      return `{ ${parts.join(', ')} }`;
    }
    return typeof value === 'string' ? `'${value}'` : String(value);
  };
  expect(rows).toEqual(Object.entries(hardened).map(([name, value]) => [name, format(value)]));
});
