/** RFC 9110 §10.2.3: the Retry-After header field. */

import { type Fields, fieldOf } from './fields.js';

/** RFC 9110 §5.6.7: IMF-fixdate, and the obsolete formats of RFC 850 and of asctime. */
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2,8}, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * How long to wait before the next request, in milliseconds. A date is compared with the Date field of
 * the response, so that the clock of the client does not matter.
 * @param now what the time is if the response has no Date, as `Date.now()` counts
 * @returns undefined if the field is absent or invalid
 */
export function parseRetryAfter(fields: Fields, now: number): number | undefined {
  const text = fieldOf(fields, 'retry-after')?.trim();
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = parseDate(text);
  return date === undefined
    ? undefined
    : Math.max(0, date - (parseDate(fieldOf(fields, 'date')) ?? now));
}

function parseDate(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : date;
}
