/** The product beside the reference: the same stream, the same events, the same answers. */
import { type Role, Scene } from '../conformance/subject.js';
import { inShort } from '../conformance/wire-bytes.js';
import { randomCuts, type SeededRandom } from '../support/random.js';
import { holds, same } from './check.js';
import { type End, type Heard, type Limits, ReferenceReceiver, type Verdict } from './reference.js';

/** A stream and the endpoint that reads it. */
export interface Case {
  role: Role;
  limits: Limits;
  bytes: Buffer;
}

export const inWords = ({ kind, payload }: Heard): string => `${kind} ${inShort(payload)}`;

/** An event without what the reference does not know: which error it is. */
export const withoutName = (event: string): string =>
  event.startsWith('error ') ? 'error' : event;

/** What the application has to be told. */
export function dueEvents({ heard, end }: Verdict): string[] {
  return [...heard.map(inWords), ...endEvents(end)];
}

function endEvents(end: End): string[] {
  if (end.kind === 'open') return ['close 1006'];
  if (end.kind === 'failed') return ['error', 'close 1006'];
  return [end.reason === '' ? `close ${end.code}` : `close ${end.code} ${end.reason}`];
}

/** What the peer has to be sent before a Close. */
export function duePongs({ heard }: Verdict): string[] {
  return heard
    .filter(({ kind }) => kind === 'ping')
    .map(({ payload }) => `pong ${inShort(payload)}`);
}

/** Which Close frames may follow; `none` for no frame. */
export function dueClose({ end }: Verdict): string[] {
  if (end.kind === 'open') return ['none'];
  if (end.kind === 'failed') return end.violation.codes.map((code) => `close ${code}`);
  return [end.code === 1005 ? 'close' : `close ${end.code}`];
}

/** The stream whole, or in pieces. */
export function cut(bytes: Buffer, random: SeededRandom): Buffer[] {
  const longest = random.pick([0, 1, 3, 20, 500]);
  if (longest === 0 || bytes.length / longest > 5000) return [Buffer.from(bytes)];
  return randomCuts(bytes, random, longest);
}

/** Fails unless the scene, which has read the stream to its end, did what the reference says. */
export async function checkScene(scene: Scene, verdict: Verdict): Promise<void> {
  const { peer, role } = scene;
  const endsItself =
    verdict.end.kind === 'failed' || (verdict.end.kind === 'closed' && role === 'server');
  same(peer.ended, endsItself, 'TCP ended by this end');
  await scene.finish();
  same(scene.events.map(withoutName), dueEvents(verdict), 'events');
  const close = peer.sent.filter((frame) => frame.startsWith('close'));
  const others = peer.sent.filter((frame) => !frame.startsWith('close'));
  same(others, duePongs(verdict), 'Pongs');
  same(close.length <= 1, true, 'one Close');
  holds(dueClose(verdict).includes(close[0] ?? 'none'), `${dueClose(verdict)} sent, not ${close}`);
  same(peer.reader.faults, [], 'frames sent');
}

/** Reads the stream with the product, cut at random, and with the reference. */
export async function compareWithReference(one: Case, random: SeededRandom): Promise<void> {
  const verdict = new ReferenceReceiver(one.role, one.limits).read(one.bytes);
  const scene = new Scene(one.role, one.limits);
  await scene.feed(cut(one.bytes, random));
  await checkScene(scene, verdict);
}
