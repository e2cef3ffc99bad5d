/** Checks the options of {@link AdmissionOptions} when a server or a route is made. */

import { types } from 'node:util';
import { checkFunctions, checkNumbers, describeValue } from '../connection/check-options.js';
import { isHostPattern, isOriginPattern } from '../handshake/origin.js';
import type { AdmissionOptions } from './admission-options.js';

const NO_LIMIT = '0 or Infinity for no limit';

/** The numeric options, with the text that error messages have for each. */
const NUMBERS = {
  maxConnections: `a number of connections, ${NO_LIMIT}`,
  maxConnectionsPerAddress: `a number of connections, ${NO_LIMIT}`,
  maxPendingHandshakes: `a number of handshakes, ${NO_LIMIT}`,
  handshakeTimeout: `a number of milliseconds, ${NO_LIMIT}`,
  trustProxy: 'a number of proxies',
} as const;

/** The names of the options, for {@link warnOfUnknownOptions}. */
export const ADMISSION_OPTIONS: readonly string[] = [
  ...Object.keys(NUMBERS),
  'address',
  'authenticate',
  'blockList',
  'handshakeRate',
  'handshakeRatePerAddress',
  'hosts',
  'origins',
];

/** @throws TypeError or RangeError for the first mistake among them */
export function checkAdmissionOptions(options: AdmissionOptions<never>): void {
  checkNumbers(options, NUMBERS);
  checkFunctions(options, ['address', 'authenticate']);
  checkBlockList(options.blockList);
  checkRate('handshakeRate', options.handshakeRate);
  checkRate('handshakeRatePerAddress', options.handshakeRatePerAddress);
  checkTrustProxy(options.trustProxy);
  checkHosts(options.hosts);
  checkOrigins(options.origins);
}

function checkBlockList(list: unknown): void {
  if (!list || typeof Reflect.get(Object(list), 'check') === 'function') return;
  throw new TypeError(
    `The option blockList must be a net.BlockList: ${describeValue(list)} was given`,
  );
}

function checkRate(name: string, rate: unknown): void {
  if (!rate) return;
  const { perSecond, burst } = Object(rate) as { perSecond?: unknown; burst?: unknown };
  if (typeof perSecond === 'number' && typeof burst === 'number') {
    if (perSecond > 0 && perSecond < Infinity && burst >= 1) return;
    throw new RangeError(
      `The option ${name} must have a perSecond above 0 and a burst of 1 or more: ` +
        `${describeValue(rate)} was given`,
    );
  }
  throw new TypeError(
    `The option ${name} must be an object { perSecond, burst } of two numbers: ` +
      `${describeValue(rate)} was given`,
  );
}

/** `true` would trust every entry of X-Forwarded-For, and so what clients write. */
function checkTrustProxy(proxies: unknown): void {
  if (!proxies || Number.isInteger(Number(proxies))) return;
  throw new RangeError(
    `The option trustProxy must be a whole number of proxies: ${describeValue(proxies)} was given`,
  );
}

function checkHosts(hosts: unknown): void {
  if (!hosts) return;
  const list = listOf('hosts', hosts, "a list such as ['example.com']");
  const wrong = list.find((host) => typeof host !== 'string' || !isHostPattern(host));
  if (wrong === undefined) return;
  throw new TypeError(
    'The option hosts takes hosts such as example.com, *.example.com and localhost:8080: ' +
      `${describeValue(wrong)} was given`,
  );
}

function checkOrigins(origins: unknown): void {
  if (!origins || origins === 'same' || origins === '*' || typeof origins === 'function') return;
  const list = listOf('origins', origins, "'same', '*', a list or a function");
  const wrong = list.find(
    (entry) => !types.isRegExp(entry) && (typeof entry !== 'string' || !isOriginPattern(entry)),
  );
  if (wrong === undefined) return;
  throw new TypeError(
    'The option origins takes origins such as https://example.com, https://*.example.com, ' +
      `localhost:* and regular expressions: ${describeValue(wrong)} was given`,
  );
}

function listOf(name: string, value: unknown, wanted: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const hint = typeof value === 'string' ? `; did you mean [${describeValue(value)}]?` : '';
  throw new TypeError(`The option ${name} must be ${wanted}${hint}: ${describeValue(value)}`);
}
