/** The environment variables that name a proxy, as curl reads them. */

import type { Target } from './dialogue.js';
import { isExcluded } from './no-proxy.js';

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables for ws: and for wss:, the first one first. `HTTP_PROXY` is not read: a web server sets
 * it for a CGI program from the header field `Proxy` of any client.
 */
const VARIABLES = {
  ws: ['ws_proxy', 'WS_PROXY', 'http_proxy', 'all_proxy', 'ALL_PROXY'],
  wss: ['wss_proxy', 'WSS_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
} as const;

/** A proxy that a variable names. */
export interface NamedProxy {
  readonly variable: string;
  readonly url: string;
}

/** @returns undefined if the client should connect without a proxy */
export function proxyFromEnvironment(
  target: Target & { readonly secure: boolean },
  environment: Environment,
): NamedProxy | undefined {
  const names = VARIABLES[target.secure ? 'wss' : 'ws'];
  const variable = names.find((name) => environment[name]); // an empty one counts as absent
  const url = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || url === undefined) return undefined;
  const excluded = environment['no_proxy'] || environment['NO_PROXY'] || '';
  return isExcluded(target, excluded) ? undefined : { variable, url };
}
