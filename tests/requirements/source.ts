/** What the tables are compared with: the declarations and citations of `src`, the titles of tests. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');

/** A declaration of `src`, named as `Class.member`, with the place of its text and comments. */
export interface Declaration {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A comment of `src` that cites a section. */
export interface Citation {
  readonly file: string;
  readonly position: number;
  readonly rfc: '6455' | '7692';
  readonly section: string;
  /** The keyword that it says, without NOT. */
  readonly keyword: 'MUST' | 'SHOULD' | undefined;
  /** Whether a rule follows, as in `RFC 6455 §5.1: …`. */
  readonly hasRule: boolean;
}

export const sourceFiles = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

export const readSource = (file: string): string => readFileSync(join(ROOT, 'src', file), 'utf8');

type Named = ts.Node & { readonly name?: ts.Node };

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (!ts.isDeclarationStatement(node) && !isMember(node)) return undefined;
  return (node as Named).name?.getText();
}

function isMember(node: ts.Node): boolean {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isClassElement(node) ||
    ts.isTypeElement(node) ||
    ts.isPropertyAssignment(node)
  );
}

/** Functions, classes and their members, constants and the entries of tables, interfaces. */
export function declarationsOf(file: string): Declaration[] {
  const tree = ts.createSourceFile(file, readSource(file), ts.ScriptTarget.Latest, true);
  const found: Declaration[] = [];
  const visit = (node: ts.Node, parent: string): void => {
    const own = nameOf(node);
    const name = own === undefined ? parent : [parent, own].filter(Boolean).join('.');
    if (own !== undefined) {
      const whole = ts.isVariableDeclaration(node) ? node.parent.parent : node;
      found.push({ name, start: whole.getFullStart(), end: whole.end });
    }
    ts.forEachChild(node, (child) => visit(child, name));
  };
  ts.forEachChild(tree, (node) => visit(node, ''));
  return found;
}

const GAP = String.raw`(?: |\n\s*(?:\*|//) )`; // a comment of several lines is read as one line
const SECTION = String.raw`§\d+(?:\.\d+)*`;
const SECTIONS = `${SECTION}(?:(?:,|${GAP}to|${GAP}and)${GAP}${SECTION})*`;
const CITATION = new RegExp(
  `RFC${GAP}(6455|7692)${GAP}(${SECTIONS})(${GAP}(?:MUST|SHOULD)(?:${GAP}NOT)?)?(:${GAP})?`,
  'g',
);

/** The citations of a file, one for each section that they name. */
export function citationsOf(file: string): Citation[] {
  return Array.from(readSource(file).matchAll(CITATION)).flatMap((match) => {
    const [, rfc, sections = '', keyword, rule] = match;
    return (sections.match(/\d+(?:\.\d+)*/g) ?? []).map((section) => ({
      file,
      position: match.index,
      rfc: rfc as Citation['rfc'],
      section,
      keyword: keyword?.match(/MUST|SHOULD/)?.[0] as Citation['keyword'],
      hasRule: rule !== undefined,
    }));
  });
}

const tests = new Map<string, string | undefined>();

function readTest(path: string): string | undefined {
  if (!tests.has(path)) {
    const full = join(ROOT, 'tests', path);
    tests.set(path, existsSync(full) ? readFileSync(full, 'utf8') : undefined);
  }
  return tests.get(path);
}

/** What is wrong with the name of a test, as `conformance/rfc-5.2-framing › title`; undefined: nothing. */
export function faultOfTest(test: string): string | undefined {
  const [file = '', ...titles] = test.split(' › ');
  if (file.endsWith('.http')) return readTest(file) === undefined ? 'no such file' : undefined;
  const text = readTest(`${file}.test.ts`);
  if (text === undefined) return 'no such file';
  if (titles.length === 0) return 'a title is missing';
  return titles.find((title) => !hasTitle(text, title));
}

/** Whether a text has this title as a string, or as the beginning of a template: `title (${role})`. */
function hasTitle(text: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) =>
    [quote, ' (${', ' (%s)'].some((end) => text.includes(`${quote}${title}${end}`)),
  );
}
