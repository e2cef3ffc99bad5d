/**
 * RFC 6455 §4.3, §9.1: reads and writes header fields of the opening handshake as `ws` does. Programs
 * import `extension` and `subprotocol` to negotiate by themselves. The handshakes of this library use
 * `handshake/fields`, which does not throw.
 */

import { isToken } from '../handshake/fields.js';

/** The values of each parameter of an offer; true if there is no value. */
interface Parameters {
  [name: string]: (string | true)[];
}

/** The offers of each extension, in order. */
export interface Extensions {
  [name: string]: Parameters[];
}

type OneOrMore<T> = T | readonly T[];

/** The argument of `format`. An array of one element may be replaced by the element. */
export interface ExtensionsToFormat {
  readonly [name: string]: OneOrMore<{
    readonly [name: string]: OneOrMore<string | number | boolean>;
  }>;
}

/** The Sec-WebSocket-Extensions header field. RFC 6455 §9.1. */
export const extension = {
  /**
   * Reads the field.
   * @throws SyntaxError with the position of the first invalid character
   */
  parse(header: string): Extensions {
    const scanner = new Scanner(header);
    const extensions: Extensions = Object.create(null);
    let delimiter: string;
    do {
      const name = scanner.token();
      const parameters: Parameters = Object.create(null);
      delimiter = scanner.delimiter(';,');
      while (delimiter === ';') {
        const [parameter, value] = scanner.parameter();
        add(parameters, parameter, value);
        delimiter = scanner.delimiter(';,');
      }
      add(extensions, name, parameters);
    } while (delimiter === ',');
    return extensions;
  },

  /** Writes the field. */
  format(extensions: ExtensionsToFormat): string {
    return Object.entries(extensions)
      .flatMap(([name, offers]) =>
        listOf(offers).map((offer) => [name, ...formatParameters(offer)].join('; ')),
      )
      .join(', ');
  },
};

/** The Sec-WebSocket-Protocol header field of a request. RFC 6455 §11.3.4. */
export const subprotocol = {
  /**
   * Reads the field.
   * @throws SyntaxError with the position of the first invalid character, or with a repeated name
   */
  parse(header: string): Set<string> {
    const scanner = new Scanner(header);
    const names = new Set<string>();
    let delimiter: string;
    do {
      const name = scanner.token();
      delimiter = scanner.delimiter(',');
      // RFC 6455 §4.1 MUST: the subprotocols are unique.
      if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`);
      names.add(name);
    } while (delimiter === ',');
    return names;
  },
};

function add<T>(map: { [name: string]: T[] }, name: string, value: T): void {
  const values = map[name];
  if (values === undefined) map[name] = [value];
  else values.push(value);
}

function listOf<T>(values: OneOrMore<T>): readonly T[] {
  return Array.isArray(values) ? values : [values as T];
}

function formatParameters(parameters: ExtensionsToFormat[string]): string[] {
  return Object.entries(parameters).map(([name, values]) =>
    listOf(values as OneOrMore<string | number | boolean>)
      .map((value) => (value === true ? name : `${name}=${value}`))
      .join('; '),
  );
}

/** Reads a field from left to right, and throws at the first invalid character. */
class Scanner {
  private readonly field: string;
  private offset = 0;

  constructor(field: string) {
    this.field = field;
  }

  token(): string {
    const start = this.offset;
    while (isToken(this.here())) this.offset++;
    if (this.offset === start) this.fail();
    return this.field.slice(start, this.offset);
  }

  parameter(): [name: string, value: string | true] {
    const name = this.token();
    if (this.here() !== '=') return [name, true];
    this.offset++;
    return [name, this.here() === '"' ? this.quoted() : this.token()];
  }

  /**
   * Reads one of the characters `among` with the whitespace around it, or the end.
   * @returns '' at the end, before which whitespace is not allowed
   */
  delimiter(among: string): string {
    const hadBlanks = this.skipBlanks();
    const delimiter = this.here();
    if (delimiter === '' && !hadBlanks) return delimiter;
    if (delimiter === '' || !among.includes(delimiter)) this.fail();
    this.offset++;
    this.skipBlanks();
    return delimiter;
  }

  private here(): string {
    return this.field.charAt(this.offset);
  }

  // RFC 6455 §4.3, §9.1 MUST: a quoted value is a token without its quotes.
  private quoted(): string {
    let value = '';
    this.offset++;
    while (this.here() !== '"' || value === '') {
      if (this.here() === '\\') this.offset++;
      if (!isToken(this.here())) this.fail();
      value += this.here();
      this.offset++;
    }
    this.offset++;
    return value;
  }

  private skipBlanks(): boolean {
    const start = this.offset;
    while (this.here() === ' ' || this.here() === '\t') this.offset++;
    return this.offset > start;
  }

  private fail(): never {
    throw new SyntaxError(
      this.here() === ''
        ? 'Unexpected end of input'
        : `Unexpected character at index ${this.offset}`,
    );
  }
}
