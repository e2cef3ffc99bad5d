/** What a client and its proxy say to each other before the tunnel is open. It does no I/O. */

import type { Buffer } from 'node:buffer';

/** The user name and the password for a proxy. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** The server to which the proxy connects. */
export interface Target {
  /** A host name or an IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What follows from bytes that were received. */
export interface Step {
  /** To be sent; undefined for nothing. */
  readonly send?: Buffer | undefined;
  /** Set when the tunnel is open: the bytes after the last reply, which the server has sent. */
  readonly rest?: Buffer | undefined;
}

/** The client's side of a proxy protocol. */
export interface ProxyDialogue {
  /** Returns the first bytes to send. */
  start(): Buffer;
  /** @throws HandshakeError if the proxy refuses, or breaks the protocol */
  receive(bytes: Buffer): Step;
}

/** More bytes are needed. */
export const MORE: Step = {};
