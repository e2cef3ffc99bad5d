/** What the hooks decide about a request. */

import { ConnectionHooks } from './connection-hooks.js';
import type {
  AdapterOptions,
  Hooks,
  PeerContext,
  UpgradeAnswer,
  UpgradeRequest,
} from './interface.js';

/** A request that becomes a connection. */
export interface Accepted {
  readonly hooks: ConnectionHooks;
  readonly request: UpgradeRequest;
  readonly namespace: string;
  readonly context: PeerContext;
  readonly headers: Headers;
  /** The chosen subprotocol; undefined leaves the choice to the server. */
  readonly protocol: string | undefined;
  readonly perMessageDeflate: UpgradeAnswer['perMessageDeflate'];
}

/** A Response refuses; 'handled' means that a hook has taken the socket. */
export type Decision = Accepted | Response | 'handled';

/** @throws what the program throws, unless it is a Response or has one */
export async function decide(options: AdapterOptions, request: UpgradeRequest): Promise<Decision> {
  try {
    return await decideOrThrow(options, request);
  } catch (thrown) {
    const response = responseOf(thrown);
    if (response === undefined) throw thrown;
    return response;
  }
}

async function decideOrThrow(options: AdapterOptions, request: UpgradeRequest): Promise<Decision> {
  const pathNamespace = options.getNamespace?.(request) ?? new URL(request.url).pathname;
  const context = request.context ?? {};
  const resolved: Partial<Hooks> = (await options.resolve?.(request)) || {};
  const hooks = new ConnectionHooks(options.hooks ?? {}, resolved);
  const answer = await hooks.upgrade(request);
  if (answer instanceof Response) return answer;
  const given: UpgradeAnswer = answer || {};
  Object.assign(context, given.context);
  if (given.handled) return 'handled';
  const namespace = given.namespace || pathNamespace;
  if (namespace === '') throw new TypeError('getNamespace must return a string that is not empty');
  const headers = new Headers(given.headers);
  const protocol =
    given.protocol || headers.get('sec-websocket-protocol') || (await choose(options, request));
  const { perMessageDeflate } = given;
  return { hooks, request, namespace, context, headers, protocol, perMessageDeflate };
}

/** @returns the subprotocol that the option `handleProtocols` chooses; undefined for none */
async function choose(
  { handleProtocols }: AdapterOptions,
  request: UpgradeRequest,
): Promise<string | undefined> {
  const field = request.headers.get('sec-websocket-protocol') ?? '';
  const offered = new Set(field.split(',').map((name) => name.trim()));
  offered.delete('');
  if (handleProtocols === undefined || offered.size === 0) return undefined;
  return (await handleProtocols(offered, request)) || undefined;
}

function responseOf(thrown: unknown): Response | undefined {
  if (thrown instanceof Response) return thrown;
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const response: unknown = Reflect.get(thrown, 'response');
  return response instanceof Response ? response : undefined;
}
