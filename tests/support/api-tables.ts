/**
 * The tables of docs/api.md, made from the TSDoc of the interfaces that programs see. Each member has
 * its sentence once: in the source, for editors and for the page.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');

/** An interface of the API: the file that declares it, and its name. */
export type Interface = readonly [path: string, name: string];

/** One member of an interface; overloads are one member. */
interface Member {
  readonly name: string;
  readonly declarations: readonly ts.TypeElement[];
  readonly file: ts.SourceFile;
}

const files = new Map<string, ts.SourceFile>();

function parse(path: string): ts.SourceFile {
  let file = files.get(path);
  if (file === undefined) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    files.set(path, file);
  }
  return file;
}

function membersOf([path, name]: Interface): Member[] {
  const file = parse(path);
  const found = file.statements.find(
    (one): one is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(one) && one.name.text === name,
  );
  if (found === undefined) throw new Error(`${path} has no interface ${name}`);
  const names = new Set(found.members.map(nameOf));
  return Array.from(names, (name) => {
    return { name, declarations: found.members.filter((one) => nameOf(one) === name), file };
  });
}

function nameOf({ name }: ts.TypeElement): string {
  return name !== undefined && ts.isStringLiteral(name) ? name.text : (name?.getText() ?? '');
}

const isMethod = ({ declarations }: Member): boolean => declarations.some(ts.isMethodSignature);

function sentences(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function documentation(of: Member): ts.JSDoc {
  for (const declaration of of.declarations) {
    const doc = ts.getJSDocCommentsAndTags(declaration).find(ts.isJSDoc);
    if (doc !== undefined) return doc;
  }
  throw new Error(`${of.file.fileName}: ${of.name} has no TSDoc`);
}

function textOf({ comment }: ts.JSDoc | ts.JSDocTag): string {
  return sentences(ts.getTextOfJSDocComment(comment) ?? '');
}

function meaningOf(member: Member): string {
  return textOf(documentation(member));
}

/** The texts of the tags of a kind, such as `throws`. */
function tagsOf(member: Member, kind: string): string[] {
  const tags: readonly ts.JSDocTag[] = documentation(member).tags ?? [];
  return tags.filter(({ tagName }) => tagName.text === kind).map(textOf);
}

const printer = ts.createPrinter({ removeComments: true });

/** A type as a program writes it: without `undefined`, and with classes in place of type parameters. */
function printType(type: ts.TypeNode | undefined, file: ts.SourceFile): string {
  if (type === undefined) return 'any';
  const parts = ts.isUnionTypeNode(type) ? type.types : [type];
  const printed = parts
    .filter((part) => part.kind !== ts.SyntaxKind.UndefinedKeyword)
    .map((part) => printer.printNode(ts.EmitHint.Unspecified, part, file));
  const [only = '', ...others] = printed;
  const text = others.length === 0 ? only.replace(/^\((.*)\)$/s, '$1') : printed.join(' | ');
  return sentences(text)
    .replace(/\bRequest\b|InstanceType<U>/g, 'IncomingMessage')
    .replace(/\b(Client|Plain)\b|InstanceType<T>/g, 'WebSocket')
    .replace(/<(U|IncomingMessage|Socket)>/g, '')
    .replace(/^T$/, 'typeof WebSocket');
}

/** "Default true." at the end of a meaning is a column of its own. */
function splitDefault(meaning: string): { meaning: string; byDefault: string } {
  const found = /(?:^| )Default:? (.+?)\.(?= |$)/.exec(meaning);
  if (found === null) return { meaning, byDefault: '–' };
  return { meaning: meaning.replace(found[0], '').trim(), byDefault: found[1] ?? '' };
}

function cells(...texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replace(/\|/g, '\\|')).join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [cells(...head), `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

/** Options: name, type, default, meaning. */
export function optionTable(...of: readonly Interface[]): string {
  const rows = of.flatMap(membersOf).map((member) => {
    const { meaning, byDefault } = splitDefault(meaningOf(member));
    const [property] = member.declarations as readonly ts.PropertySignature[];
    const type = printType(property?.type, member.file);
    return cells(`\`${member.name}\``, `\`${type}\``, byDefault, meaning);
  });
  return table(['option', 'type', 'default', 'meaning'], rows);
}

/** The properties of a class: name, meaning. */
export function propertyTable(...of: readonly Interface[]): string {
  const properties = of.flatMap(membersOf).filter((member) => !isMethod(member));
  const rows = properties.map((member) => cells(`\`${member.name}\``, meaningOf(member)));
  return table(['property', 'meaning'], rows);
}

/** Events, whose interface has a tuple of the arguments for each: name, arguments, meaning. */
export function eventTable(...of: readonly Interface[]): string {
  const rows = of.flatMap(membersOf).map((member) => {
    const [property] = member.declarations as readonly ts.PropertySignature[];
    return cells(`'${member.name}'`, argumentsOf(property?.type, member.file), meaningOf(member));
  });
  return table(['event', 'arguments', 'meaning'], rows);
}

function argumentsOf(type: ts.TypeNode | undefined, file: ts.SourceFile): string {
  if (type === undefined || !ts.isTupleTypeNode(type)) return '';
  const named = type.elements.filter(ts.isNamedTupleMember);
  return named.map(({ name, type }) => `\`${name.text}: ${printType(type, file)}\``).join(', ');
}

/** The methods of a class, as a list: meaning, parameters, result, exceptions. */
export function methodList(...of: readonly Interface[]): string {
  const methods = of.flatMap(membersOf).filter(isMethod);
  return methods.map(methodItem).join('\n');
}

function methodItem(member: Member): string {
  const tags: readonly ts.JSDocTag[] = documentation(member).tags ?? [];
  const parameters = tags.filter(ts.isJSDocParameterTag);
  const described = parameters.map((tag) => `  - \`${tag.name.getText()}\`: ${textOf(tag)}`);
  const results = tagsOf(member, 'returns').map((text) => `  - Returns ${text}`);
  const errors = tagsOf(member, 'throws').map((text) => `  - Throws ${text}`);
  const head = `- \`${member.name}(${signature(member)})\`: ${meaningOf(member)}`;
  return [head, ...described, ...results, ...errors].join('\n');
}

/** The parameters of the longest overload; those that another overload does not have are optional. */
function signature({ declarations }: Member): string {
  const overloads = declarations.filter(ts.isMethodSignature).map((one) => [...one.parameters]);
  const longest = overloads.reduce((a, b) => (b.length > a.length ? b : a), []);
  const isOptional = (parameter: ts.ParameterDeclaration): boolean =>
    overloads.some((one) => {
      const same = one.find(({ name }) => name.getText() === parameter.name.getText());
      return same === undefined || same.questionToken !== undefined;
    });
  return longest.map((one) => `${one.name.getText()}${isOptional(one) ? '?' : ''}`).join(', ');
}
