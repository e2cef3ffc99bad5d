/** The hooks of one connection: those of the adapter, and those that `resolve` gave for its request. */

import { isThenable } from '../connection/callbacks.js';
import type { Hooks, UpgradeRequest, UpgradeResult } from './interface.js';

/** The hooks that a connection has after its upgrade. */
export type PeerHook = Exclude<keyof Hooks, 'upgrade'>;

type AnyHook = (peer: unknown, detail: unknown) => unknown;

export class ConnectionHooks {
  private readonly own: Partial<Hooks>;
  private readonly resolved: Partial<Hooks>;

  constructor(own: Partial<Hooks>, resolved: Partial<Hooks>) {
    this.own = own;
    this.resolved = resolved;
  }

  has(name: PeerHook): boolean {
    return typeof this.own[name] === 'function' || typeof this.resolved[name] === 'function';
  }

  /** Calls the hook of the adapter, and when it has ended the one of the request. */
  call(name: PeerHook, peer: unknown, detail: unknown): unknown {
    const second = this.resolved[name] as AnyHook | undefined;
    const first = (this.own[name] as AnyHook | undefined)?.(peer, detail);
    if (second === undefined || second === null) return first;
    const callSecond = (): unknown => second.call(this.resolved, peer, detail);
    return isThenable(first) ? first.then(callSecond) : callSecond();
  }

  /** A Response of the adapter's hook refuses the request; else the result of the request's hook counts. */
  async upgrade(request: UpgradeRequest): Promise<UpgradeResult> {
    const first = await this.own.upgrade?.(request);
    if (first instanceof Response) return first;
    return (await this.resolved.upgrade?.(request)) || first;
  }
}
