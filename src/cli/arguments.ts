/** The options and arguments that a command gets. */

import { UsageError } from './exit.js';

/** The arguments of a command after parsing. */
export class Arguments {
  /** The arguments that are not options. */
  readonly positionals: readonly string[];
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(positionals: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.positionals = positionals;
    this.values = values;
  }

  /** Whether an option was given. */
  has(name: string): boolean {
    return this.values.has(name);
  }

  /** The values of an option, of all its uses. */
  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** The value of an option; of several uses the last. */
  text(name: string): string | undefined {
    return this.all(name).at(-1);
  }

  /** One of some words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new UsageError(`--${name} is ${words.join(' or ')}, not ${JSON.stringify(text)}`);
  }

  /** A number within limits. */
  number(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== '' && number >= min && number <= max) return number;
    const range = max === Number.POSITIVE_INFINITY ? `from ${min} on` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} is a number ${range}, not ${JSON.stringify(text)}`);
  }

  /** A whole number within limits. */
  integer(name: string, min: number, max: number): number | undefined {
    const number = this.number(name, min, max);
    if (number === undefined || Number.isInteger(number)) return number;
    throw new UsageError(`--${name} is a whole number, not ${this.text(name)}`);
  }
}
