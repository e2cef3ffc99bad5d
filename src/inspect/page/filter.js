/** The query of the search field: words and `key:value` pairs, all of which must hold. */

import { fromHex, toHex } from './bytes.js';

const SIZE = /^size([<>])(\d+)$/;

/** What `type:` compares with: the name of the opcode, or the type of the record. */
export const kindOf = (record) => (record.type === 'frame' ? record.opcodeName : record.type);

const listOf = (value) => value.toLowerCase().split(',');

const KEYS = {
  conn: (value) => (record) => value.split(',').includes(String(record.connection)),
  from: (value) => (record) => listOf(value).includes(record.from),
  type: (value) => (record) => listOf(value).includes(kindOf(record)),
  is: (value) => STATES[value.toLowerCase()] ?? (() => false),
  hex: (value) => {
    const bytes = fromHex(value);
    const digits = bytes && toHex(bytes);
    return (record) => digits !== undefined && hasBytes(record.bytes ?? '', digits);
  },
};

const STATES = {
  violation: (record) => record.violation !== undefined,
  control: (record) => record.opcode >= 8,
  fragment: (record) => record.opcode === 0 || (record.fin === false && record.opcode < 8),
  compressed: (record) => record.rsv1 === true,
  edited: (record) => record.edited !== undefined,
};

/** Whether the digits occur at the beginning of a byte. */
function hasBytes(digits, wanted) {
  let at = digits.indexOf(wanted);
  while (at % 2 === 1) at = digits.indexOf(wanted, at + 1);
  return at >= 0;
}

/** The text of a record that is searched. */
export function textOf(record) {
  if (record.type === 'handshake') return record.head;
  if (record.type === 'connection') return record.url;
  if (record.violation) return `${record.text ?? ''} ${record.violation.message}`;
  return record.text ?? record.close?.reason ?? record.error ?? '';
}

function testOf(token) {
  const size = SIZE.exec(token);
  if (size) {
    const limit = Number(size[2]);
    return ({ payloadLength }) => (size[1] === '>' ? payloadLength > limit : payloadLength < limit);
  }
  const [, key, value] = /^(\w+):(.+)$/.exec(token) ?? [];
  if (key && Object.hasOwn(KEYS, key)) return KEYS[key](value);
  const word = token.replaceAll('"', '').toLowerCase();
  return (record) => textOf(record).toLowerCase().includes(word);
}

/** @returns a function that says whether a record is shown; undefined if all are */
export function parseQuery(query) {
  const tokens = query.match(/-?(?:\w+:)?"[^"]*"|\S+/g) ?? [];
  const tests = tokens.map((token) => {
    if (!/^-./.test(token)) return testOf(token);
    const test = testOf(token.slice(1));
    return (record) => !test(record);
  });
  return tests.length === 0 ? undefined : (record) => tests.every((test) => test(record));
}
