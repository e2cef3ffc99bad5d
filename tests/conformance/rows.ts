/**
 * Table tests: frames in, events and frames out, whole and byte by byte; on a WebSocket and on the bare
 * `Endpoint`, in both roles.
 */
import { expect, test } from '@jest/globals';
import type { FrameOptions } from '../support/frames.js';
import { byteByByte, randomCuts, SeededRandom } from '../support/random.js';
import {
  ROLES,
  type Role,
  roleOf,
  Scene,
  type Settings,
  SUBJECTS,
  type Subject,
} from './subject.js';
import { peerFrame } from './wire-bytes.js';

export { peerFrame };

export interface Row {
  name: string;
  /** what the peer sends: frames, or bytes as they stand */
  send: (FrameOptions | Buffer)[];
  /** what is reported to the application */
  reported: string[];
  /** what the product sends */
  sent?: string[];
  /** default both */
  roles?: readonly Role[];
  settings?: Settings;
}

/** The bytes of a row, as the peer of a product in this role sends them. */
export function peerBytes(role: Role, send: readonly (FrameOptions | Buffer)[]): Buffer {
  const one = (item: FrameOptions | Buffer): Buffer =>
    Buffer.isBuffer(item) ? item : peerFrame(role, item);
  return Buffer.concat(send.map(one));
}

/** What a broken rule comes to: the peer learns the code, the application 'error', then 1006. */
export function broken(error: string, code = 1002): Pick<Row, 'reported' | 'sent'> {
  return { reported: [`error ${error}`, 'close 1006'], sent: [`close ${code}`] };
}

/** The same behind what was reported and sent before the rule was broken. */
export function brokenAfter(
  before: { reported: string[]; sent?: string[] },
  error: string,
  code = 1002,
): Pick<Row, 'reported' | 'sent'> {
  const { reported, sent } = broken(error, code);
  return {
    reported: [...before.reported, ...reported],
    sent: [...(before.sent ?? []), ...(sent ?? [])],
  };
}

/** Byte by byte; what is long in random cuts. */
function inPieces(bytes: Buffer): Buffer[] {
  if (bytes.length <= 5000) return byteByByte(bytes);
  return randomCuts(bytes, new SeededRandom(bytes.length), 1000);
}

async function checkCut(row: Row, subject: Subject, chunks: Buffer[]): Promise<void> {
  const scene = new Scene(subject, row.settings);
  await scene.feed(chunks);
  const { peer } = scene;
  const fails = row.reported.some((event) => event.startsWith('error '));
  // RFC 6455 §7.1.7: whoever fails the connection says why and ends it, whatever the peer does.
  const state = { ended: peer.ended, explained: (peer.closing?.reason ?? '').length > 5 };
  expect(state).toEqual({ ended: fails, explained: fails });
  if (fails) await scene.finish();
  const { faults } = peer.reader;
  const seen = { reported: [...scene.events], sent: peer.sent, faults };
  scene.product.terminate();
  expect(seen).toEqual({ reported: row.reported, sent: row.sent ?? [], faults: [] });
}

/**
 * Makes one test per row and subject. A row is fed as one chunk and in the smallest. Rows that fail must
 * be seen to end the wire by themselves; the others must leave it open.
 */
export function table(rows: readonly Row[]): void {
  for (const row of rows) {
    const roles = row.roles ?? ROLES;
    for (const subject of SUBJECTS.filter((one) => roles.includes(roleOf(one)))) {
      test(`${row.name} (${subject})`, async () => {
        const bytes = peerBytes(roleOf(subject), row.send);
        await checkCut(row, subject, [bytes]);
        await checkCut(row, subject, inPieces(bytes));
      });
    }
  }
}
