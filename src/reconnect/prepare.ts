/** What one attempt connects to: values of the options, or what their functions return. */

import type { ClientOptions } from '../client/options.js';
import { describeValue } from '../connection/check-options.js';
import type { AttemptInfo, PerAttempt, ReconnectOptions } from './options.js';

/** The arguments of one attempt. */
export interface Plan {
  readonly url: string | URL;
  readonly protocols: string | string[] | undefined;
  readonly headers: ClientOptions['headers'];
}

type PlanOptions = Pick<ReconnectOptions, 'protocols' | 'headers' | 'token'>;

/** Calls the functions, once each. @returns rejected with what one of them throws */
export async function prepare(
  url: PerAttempt<string | URL>,
  options: PlanOptions,
  info: AttemptInfo,
): Promise<Plan> {
  const [address, protocols, headers, token] = await Promise.all([
    resolveValue(url, info),
    resolveValue(options.protocols, info),
    resolveValue(options.headers, info),
    resolveValue(options.token, info),
  ]);
  return { url: address, protocols, headers: withToken(headers, token) };
}

async function resolveValue<T>(value: PerAttempt<T>, info: AttemptInfo): Promise<T> {
  return typeof value === 'function'
    ? (value as (info: AttemptInfo) => T | PromiseLike<T>)(info)
    : value;
}

// RFC 6750 §2.1: the form of a bearer token.
function withToken(headers: ClientOptions['headers'], token: unknown): ClientOptions['headers'] {
  if (token === undefined || token === null) return headers;
  if (typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token)) {
    // Names of header fields are case-insensitive: RFC 9110 §5.1.
    const others = Object.entries(headers ?? {}).filter(([name]) => !/^authorization$/i.test(name));
    return { ...Object.fromEntries(others), Authorization: `Bearer ${token}` };
  }
  const given = typeof token === 'string' ? 'text with other characters' : describeValue(token);
  throw new TypeError(
    `The token must be text of letters, digits and -._~+/, as Bearer tokens are: ${given} was given`,
  );
}
