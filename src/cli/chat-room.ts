/** The chat of `ws6455 serve --chat`: who is in it, and what each one gets. */

import type { Buffer } from 'node:buffer';

/** A connection, as far as a chat needs it. */
export interface Member {
  send(data: string | Buffer, options?: { binary: boolean }): unknown;
}

const MAX_NAME = 32;
const RENAME = /^\/name\s+(\S.*)$/;

/** Sends what a member says to all others. */
export class ChatRoom<Someone extends Member> {
  private readonly names = new Map<Someone, string>();

  /** @param url the target of its request: `?name=Ann` is the name */
  join(member: Someone, number: number, url = '/'): void {
    const [, query] = /\?(.*)$/s.exec(url) ?? []; // a path of a peer need not be a URL, such as //
    const name = new URLSearchParams(query).get('name');
    this.names.set(member, cleanName(name ?? '') || `guest-${number}`);
    const others = [...this.names.values()].slice(0, -1);
    member.send(`* you are ${this.nameOf(member)}; here: ${others.join(', ') || 'nobody else'}`);
    this.tellOthers(member, `* ${this.nameOf(member)} joined`);
  }

  leave(member: Someone): void {
    const name = this.nameOf(member);
    this.names.delete(member);
    this.tellOthers(member, `* ${name} left`);
  }

  receive(member: Someone, data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.tellOthers(member, data);
      return;
    }
    const text = data.toString();
    const [, wanted] = RENAME.exec(text) ?? [];
    if (wanted === undefined) this.tellOthers(member, `${this.nameOf(member)}: ${text}`);
    else this.rename(member, wanted);
  }

  private rename(member: Someone, wanted: string): void {
    const before = this.nameOf(member);
    const name = cleanName(wanted) || before;
    this.names.set(member, name);
    member.send(`* you are ${name}`);
    this.tellOthers(member, `* ${before} is now ${name}`);
  }

  private nameOf(member: Someone): string {
    return this.names.get(member) ?? '?';
  }

  private tellOthers(member: Someone, data: string | Buffer): void {
    for (const other of this.names.keys()) {
      if (other !== member) other.send(data, { binary: typeof data !== 'string' });
    }
  }
}

function cleanName(name: string): string {
  return name
    .replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, MAX_NAME);
}
