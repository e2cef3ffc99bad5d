/** The requirement tables as Markdown, for `docs/rfc6455.md` and `docs/rfc7692.md`. */

import type { Outcome, Requirement, Section, Statement } from './requirement.js';
import { requirementsOf, symbolsOf } from './requirement.js';

const CHAPTERS: Readonly<Record<string, string>> = {
  1: 'Introduction',
  2: 'Conformance requirements',
  3: 'WebSocket URIs',
  4: 'Opening handshake',
  5: 'Data framing',
  6: 'Sending and receiving data',
  7: 'Closing the connection',
  8: 'Error handling',
  9: 'Extensions',
  10: 'Security considerations',
  11: 'Registries',
};

const CHAPTERS_OF_7692: Readonly<Record<string, string>> = {
  4: 'Compression extensions',
  5: 'Extension negotiation',
  6: 'Framing',
  7: 'permessage-deflate',
  8: 'Security considerations',
};

/** The outcomes in the order of an overview, with what a reader sees. */
const OUTCOMES: readonly (readonly [outcome: Outcome, label: string, column: string])[] = [
  ['held', 'held', 'held'],
  ['used', 'used', 'permission used'],
  ['option', 'option', 'option'],
  ['Node', 'held by Node', 'held by Node'],
  ['application', 'for the application', 'application'],
  ['browser', 'for browsers', 'browser'],
  ['intermediary', 'for intermediaries', 'intermediary'],
  ['extension', 'for extensions', 'extension'],
  ['not used', 'not used', 'permission not used'],
  ['not followed', 'not followed', 'not followed'],
  ['definition', 'a definition', 'definition'],
];

const LEVELS: Readonly<Record<string, string>> = { text: '–', item: 'of a MUST' };

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

const lines = (parts: readonly string[] = []): string => parts.join('<br>');

function describeOutcome({ outcome, note, differs }: Requirement): string {
  const label = OUTCOMES.find(([one]) => one === outcome)?.[1] ?? outcome;
  if (outcome === 'not followed') return `**${label}**: ${differs?.here}`;
  const parts = [outcome === 'option' ? `option: ${note}` : label];
  if (note !== undefined && outcome !== 'option') parts.push(note);
  if (differs !== undefined) parts.push(`**but** ${differs.here}`);
  return parts.join('; ');
}

function linkSymbol(symbol: string): string {
  const [path = '', name = ''] = symbol.split(':');
  return `[${path}:${name}](../src/${path})`;
}

function linkTest(test: string): string {
  const [file = '', ...titles] = test.split(' › ');
  if (file.endsWith('.http')) return `[${file}](../tests/${file})`;
  return `[${file}](../tests/${file}.test.ts): ${titles.join(' › ').replaceAll('<', '&lt;')}`;
}

function requirementRow(one: Requirement, hasLines: boolean): string {
  const { id, lines: at = [], level, who, rule } = one;
  const numbers = hasLines ? [at.join(', ')] : [];
  return row(
    id,
    ...numbers,
    LEVELS[level] ?? level,
    who,
    rule,
    describeOutcome(one),
    lines(symbolsOf(one).map(linkSymbol)),
    lines(one.tests?.map(linkTest)),
  );
}

function sectionTable(section: Section, hasLines: boolean): string {
  const numbers = hasLines ? ['line'] : [];
  const head = ['no.', ...numbers, 'level', 'who', 'statement', 'here', 'held by', 'tests'];
  const rows = requirementsOf([section]).map((one) => requirementRow(one, hasLines));
  return `### ${section.number} ${section.title}\n\n${table(head, rows)}`;
}

const chapterOf = (number: string): string => number.split('.')[0] ?? '';

function countOutcomes(all: readonly Requirement[]): string {
  const counts = OUTCOMES.map(([outcome, , column]) => {
    const count = all.filter((one) => one.outcome === outcome).length;
    return count === 0 ? '' : `${count} ${column}`;
  });
  return counts.filter(Boolean).join(', ');
}

function chapter(sections: readonly Section[], title: string, hasLines: boolean): string {
  const all = requirementsOf(sections);
  const count = all.length === 1 ? '1 statement' : `${all.length} statements`;
  const tables = sections.map((section) => sectionTable(section, hasLines));
  return [`## ${title}`, `${count}: ${countOutcomes(all)}.`, ...tables].join('\n\n');
}

/** All chapters of an RFC: a heading, an overview and a table for each section. */
function chapters(
  sections: readonly Section[],
  titles: Readonly<Record<string, string>>,
  hasLines: boolean,
): string {
  const numbers = [...new Set(sections.map(({ number }) => chapterOf(number)))];
  const texts = numbers.map((number) => {
    const own = sections.filter((section) => chapterOf(section.number) === number);
    return chapter(own, `${number}. ${titles[number]}`, hasLines);
  });
  return texts.join('\n\n');
}

/** How many statements there are, by level and outcome. */
export function overview(sections: readonly Section[]): string {
  const all = requirementsOf(sections);
  const groups: readonly (readonly [string, readonly Statement['level'][]])[] = [
    ['MUST, MUST NOT', ['MUST', 'MUST NOT', 'must', 'item']],
    ['SHOULD, SHOULD NOT, RECOMMENDED', ['SHOULD', 'SHOULD NOT', 'RECOMMENDED']],
    ['MAY, OPTIONAL', ['MAY', 'OPTIONAL']],
    ['no keyword', ['text']],
  ];
  const used = OUTCOMES.filter(([outcome]) => all.some((one) => one.outcome === outcome));
  const rows = groups.map(([label, levels]) => {
    const own = all.filter(({ level }) => levels.includes(level));
    const counts = used.map(([outcome]) => own.filter((one) => one.outcome === outcome).length);
    return row(label, own.length, ...counts.map((count) => count || ''));
  });
  return table(['level', 'statements', ...used.map(([, , column]) => column)], rows);
}

/** The statements that the library does not follow to the letter. */
export function differences(sections: readonly Section[]): string {
  const rows = requirementsOf(sections).flatMap(({ id, rule, differs }) =>
    differs === undefined ? [] : [row(id, rule, differs.here, differs.why)],
  );
  return table(['no.', 'the text', 'here', 'why'], rows);
}

export const chapters6455 = (sections: readonly Section[]): string =>
  chapters(sections, CHAPTERS, true);

export const chapters7692 = (sections: readonly Section[]): string =>
  chapters(sections, CHAPTERS_OF_7692, false);
