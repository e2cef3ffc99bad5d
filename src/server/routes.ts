/** The endpoints of a server: which options and which listener a path has. */

import type { IncomingMessage } from 'node:http';
import { describeValue } from '../connection/check-options.js';
import { pathOf } from '../handshake/server.js';
import type { AnySocketClass, ServerOptions } from './options.js';

type Options = ServerOptions<AnySocketClass>;

/** One endpoint. */
export class Route {
  readonly path: string;
  /** The event of the server that its connections are emitted with, in place of 'connection'. */
  readonly event = Symbol('ws6455.route');

  private readonly own: object;
  /** The options of the most recent handshake. The connections of a route share them. */
  private merged: Options = {};

  constructor(path: string, own: object) {
    this.path = path;
    this.own = own;
  }

  /** The options of this endpoint, over those of the server, which may have changed. */
  optionsOver(server: Options): Options {
    const merged = { ...server, ...this.own };
    if (!areEqual(merged, this.merged)) this.merged = merged;
    return this.merged;
  }
}

/** The routes of a server. */
export class Routes {
  private readonly exact = new Map<string, Route>();
  /** The longest prefix first. */
  private prefixes: Route[] = [];

  get size(): number {
    return this.exact.size + this.prefixes.length;
  }

  /** Whether connections of a route are emitted with this event. */
  hasEvent(event: string | symbol): boolean {
    return [...this.exact.values(), ...this.prefixes].some((route) => route.event === event);
  }

  /** @throws TypeError for a path that no request can have; Error for one that there is already */
  add(path: string, options: object): Route {
    checkPath(path);
    const route = new Route(path, options);
    const exists = this.exact.has(path) || this.prefixes.some((other) => other.path === path);
    if (exists) throw new Error(`There is a route with the path ${path} already`);
    if (path.endsWith('*')) {
      this.prefixes = [...this.prefixes, route].sort((a, b) => b.path.length - a.path.length);
    } else this.exact.set(path, route);
    return route;
  }

  find({ url }: IncomingMessage): Route | undefined {
    const path = pathOf(url);
    if (path === undefined) return undefined;
    return (
      this.exact.get(path) ??
      this.prefixes.find((route) => path.startsWith(route.path.slice(0, -1)))
    );
  }
}

function checkPath(path: unknown): void {
  if (typeof path === 'string' && /^\/[^?#*]*$|^\/([^?#*]+\/)?\*$/.test(path)) return;
  throw new TypeError(
    'The path of a route must begin with a slash and have no query; a star may stand only at its ' +
      `end, behind a slash: ${describeValue(path)} was given`,
  );
}

function areEqual(one: object, other: object): boolean {
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return (
    keys.length === others.length &&
    keys.every((key) => Reflect.get(one, key) === Reflect.get(other, key))
  );
}
