/** Each row of the tables of violations and refusals is broken, and answered as it says. */

import { describe, expect, test } from '@jest/globals';
import { REFUSALS } from '../../../src/handshake/errors.js';
import { breakRule } from '../../../src/inspect/break-rule.js';
import { RULES } from '../../../src/inspect/breakable-rules.js';
import { Target } from '../../../src/inspect/target.js';
import { VIOLATIONS } from '../../../src/protocol/errors.js';
import { Gate } from '../../support/gate.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const possible = RULES.filter(({ impossible }) => impossible === undefined);

test('the rules are the rows of both tables, in their order', () => {
  expect(RULES.map(({ id }) => id)).toEqual([...Object.keys(VIOLATIONS), ...Object.keys(REFUSALS)]);
});

test('only two rows cannot be broken by a peer', () => {
  const others = RULES.filter(({ impossible }) => impossible !== undefined);
  expect(others.map(({ id }) => id)).toEqual(['CANNOT_DECODE', 'CLOSED_EARLY']);
});

test('every rule says what breaks it, and no sentence comes twice', () => {
  const sentences = possible.map(({ offence }) => offence);
  expect(new Set(sentences).size).toBe(sentences.length);
  expect(sentences.filter((sentence) => sentence.length < 10)).toEqual([]);
});

describe('at a peer of ours', () => {
  test.each(possible)(
    '$id is answered as the table says',
    async ({ id, answer, rfc, kind, by }) => {
      const broken = await breakRule(id, undefined);
      expect(broken).toMatchObject({ type: 'broken', rule: id, asExpected: true });
      expect(broken.outcome).toContain(rfc);
      if (by === 'client') expect(broken.outcome).toContain(String(answer));
      const froms = broken.records.flatMap((record) => ('from' in record ? record.from : []));
      expect(new Set(froms).size).toBeGreaterThanOrEqual(id === 'HANDSHAKE_TIMEOUT' ? 1 : 2);
      if (kind === 'frame' && id !== 'UNEXPECTED_MASK') {
        expect(broken.records).toContainEqual(
          expect.objectContaining({
            from: 'server',
            close: expect.objectContaining({ code: answer }),
          }),
        );
      }
    },
  );
});

describe('at a target', () => {
  const targetOf = (gate: Gate) => {
    const address = gate.wss.address() as { port: number };
    return new Target(`ws://127.0.0.1:${address.port}/path`);
  };

  test('frames are sent behind a handshake with its URL', async () => {
    const gate = await Gate.open(scope());
    const broken = await breakRule('EXPECTED_MASK', targetOf(gate));
    expect(broken).toMatchObject({
      asExpected: true,
      outcome: 'The server closed with 1002, as RFC 6455 §5.1 asks',
    });
    expect(broken.records).toContainEqual(
      expect.objectContaining({ type: 'handshake', head: expect.stringMatching(/^GET \/path /) }),
    );
  });

  test('a request that is wrong is refused', async () => {
    const gate = await Gate.open(scope());
    const broken = await breakRule('INVALID_KEY', targetOf(gate));
    expect(broken).toMatchObject({ asExpected: true });
    expect(broken.outcome).toContain('status 400');
  });

  test('a server that does not notice is said to be silent', async () => {
    const gate = await Gate.open(scope(), { skipUTF8Validation: true });
    gate.wss.on('connection', (ws) => ws.on('message', () => ws.terminate()));
    const broken = await breakRule('INVALID_UTF8', targetOf(gate));
    expect(broken).toMatchObject({
      asExpected: false,
      outcome: 'The server ended the connection without an answer',
    });
  });

  test('that refuses the handshake has no frames to answer', async () => {
    const gate = await Gate.open(scope(), { path: '/other' });
    const broken = await breakRule('EXPECTED_FIN', targetOf(gate));
    expect(broken).toMatchObject({
      asExpected: false,
      outcome: 'The server did not accept the handshake: status 404',
    });
  });

  test('that is gone is an error', async () => {
    const gone = new Target('ws://127.0.0.1:1/');
    await expect(breakRule('EXPECTED_FIN', gone)).rejects.toThrow(
      /^The target cannot be reached: connect ECONNREFUSED/,
    );
  });

  test('a rule for clients cannot be broken', async () => {
    const target = new Target('ws://127.0.0.1:1/');
    await expect(breakRule('INVALID_ACCEPT', target)).rejects.toThrow(
      'This rule is for clients, and the target is a server',
    );
  });
});

test.each([
  ['a rule that no peer breaks', 'CLOSED_EARLY', 'The program closes its WebSocket'],
  ['an unknown rule', 'NO_RULE', 'There is no rule "NO_RULE"'],
])('%s is an error', async (_, id, message) => {
  await expect(breakRule(id, undefined)).rejects.toThrow(message);
});
