/** The rows of docs/from-ws.md that make one stream of frames end in two ways. */
import type { Rule, Verdict } from './reference.js';

/** What one of the two did with a stream. */
export interface Outcome {
  /** messages, Pings and Pongs that the application was told of, in words */
  heard: string[];
  /** Pongs that were sent */
  pongs: string[];
  /**
   * `failed <code sent>`, `closed <code> <reason>`, `open`: the peer ended TCP without a Close, or
   * `exception`: the receiver threw, which would have ended the process
   */
  end: string;
}

export interface Difference {
  /** the first cell of the row in docs/from-ws.md */
  row: string;
  /** Whether the row is about this stream. */
  applies(verdict: Verdict, theirs: Outcome): boolean;
}

const breaks =
  (...rules: Rule[]) =>
  ({ end }: Verdict): boolean =>
    end.kind === 'failed' && rules.includes(end.violation.rule);

/** A receiver that goes on behind the frame may find a Close there, and answer it. */
const hasAnsweredClose = ({ end }: Outcome): boolean => /^failed (1000|[34]\d{3})$/.test(end);

export const DIFFERENCES: readonly Difference[] = [
  { row: 'a length not in its shortest form', applies: breaks('shortest length') },
  { row: 'UTF-8', applies: breaks('UTF-8') },
  { row: 'an empty payload marked as compressed', applies: breaks('empty compressed payload') },
  { row: 'compressed data that is incomplete', applies: breaks('incomplete compressed data') },
  {
    row: 'several ends of the DEFLATE stream in one message',
    applies: ({ beforeStreamEnd, end }) =>
      beforeStreamEnd !== undefined || (end.kind === 'failed' && end.violation.isBehindStreamEnd),
  },
  {
    row: 'invalid or too long compressed data in one of several fragments',
    applies: ({ beforeOpenMessage }) => beforeOpenMessage !== undefined,
  },
  {
    row: 'fragments behind compressed messages, in a later chunk',
    applies: (_, theirs) => theirs.end === 'exception',
  },
  {
    row: 'messages behind a frame that breaks a rule, after a compressed message',
    applies: ({ end, heard }, theirs) =>
      end.kind === 'failed' && (theirs.heard.length > heard.length || hasAnsweredClose(theirs)),
  },
  { row: 'more fragments than `maxFragments`', applies: breaks('maxFragments') },
];

/** Where the two may part: what comes before is the same in any case. */
function sharedLength({ heard, beforeStreamEnd, beforeOpenMessage }: Verdict): number {
  return Math.min(heard.length, beforeStreamEnd ?? heard.length, beforeOpenMessage ?? heard.length);
}

/** @returns the row that explains why the two outcomes differ; undefined if none does */
export function explain(verdict: Verdict, ours: Outcome, theirs: Outcome): Difference | undefined {
  const hasThrown = theirs.end === 'exception';
  const length = hasThrown ? theirs.heard.length : sharedLength(verdict);
  const isShared = ours.heard.slice(0, length).every((one, i) => one === theirs.heard[i]);
  return isShared ? DIFFERENCES.find(({ applies }) => applies(verdict, theirs)) : undefined;
}
