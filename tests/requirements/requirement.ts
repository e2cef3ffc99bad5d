/**
 * The requirement tables of RFC 6455 and RFC 7692: each normative statement, and what this library does
 * about it. The rows are in `rfc6455/` and `rfc7692/`, one section of the RFC after the other.
 *
 * `docs/rfc6455.md` and `docs/rfc7692.md` show them. `tests/unit/requirements.test.ts` and
 * `tests/unit/citations.test.ts` compare them with the RFC, with `src` and with the tests.
 */

/** The keyword of a statement, in the sense of RFC 2119. */
export type Keyword =
  | 'MUST'
  | 'MUST NOT'
  | 'SHOULD'
  | 'SHOULD NOT'
  | 'RECOMMENDED'
  | 'MAY'
  | 'OPTIONAL';

/**
 * A keyword; `must` in small letters; `item` for an item of a list that a MUST introduces; `text` for
 * a statement without a keyword, which is normative as well (RFC 6455 §2).
 */
export type Level = Keyword | 'must' | 'item' | 'text';

export type Party =
  | 'client'
  | 'server'
  | 'both'
  | 'intermediary'
  | 'browser'
  | 'application'
  | 'extension';

/** What this library does about a statement. */
export type Outcome =
  /** It does what the statement asks for. */
  | 'held'
  /** It makes use of what the statement permits. */
  | 'used'
  /** It does not make use of what the statement permits. */
  | 'not used'
  /** `node:http`, `node:net` or `node:tls` does what the statement asks for. */
  | 'Node'
  /** An option decides. */
  | 'option'
  /** Only the application, a browser, an intermediary or the specification of an extension can. */
  | 'application'
  | 'browser'
  | 'intermediary'
  | 'extension'
  /** It does something else. */
  | 'not followed'
  /** The statement defines a word: there is nothing to do. */
  | 'definition';

/** Where the library does something else than the letter says. */
export interface Difference {
  readonly here: string;
  readonly why: string;
}

/** One statement. */
export interface Statement {
  /** The lines of rfc6455.txt that have its keyword, or the statement if it has none. */
  readonly lines?: readonly number[];
  readonly level: Level;
  readonly who: Party;
  /** The statement, in our own words. */
  readonly rule: string;
  /** Default: 'held'. */
  readonly outcome?: Outcome;
  /** What there is to know about it; for 'option' the option. */
  readonly note?: string;
  readonly differs?: Difference;
  /** The symbols of `src` that hold it, as `protocol/frame-rules.ts:checkMask`. */
  readonly at?: readonly string[];
  /** More symbols that serve it. They need not cite it. */
  readonly also?: readonly string[];
  /** The tests, as `conformance/rfc-5.2-framing › title`, or a golden dialogue (`.http`). */
  readonly tests?: readonly string[];
}

/** The statements of one section, in the order of the RFC. */
export interface Section {
  readonly number: string;
  readonly title: string;
  readonly statements: readonly Statement[];
}

/** A statement with its number in the table. */
export interface Requirement extends Statement {
  /** The section and the place in it, as `5.1-3`. */
  readonly id: string;
  readonly section: string;
  readonly outcome: Outcome;
}

export function requirementsOf(sections: readonly Section[]): Requirement[] {
  return sections.flatMap(({ number, statements }) =>
    statements.map((one, i) => {
      return { outcome: 'held' as const, ...one, id: `${number}-${i + 1}`, section: number };
    }),
  );
}

/** What a symbol that holds the statement cites it as; undefined if it may leave that out. */
export function citedKeyword({ level }: Statement): 'MUST' | 'SHOULD' | undefined {
  if (level === 'MUST' || level === 'MUST NOT' || level === 'item') return 'MUST';
  return level === 'SHOULD' || level === 'SHOULD NOT' ? 'SHOULD' : undefined;
}

/** The symbols of a row. */
export function symbolsOf({ at = [], also = [] }: Statement): readonly string[] {
  return [...at, ...also];
}
