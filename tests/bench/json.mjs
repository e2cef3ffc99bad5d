/** JSON as results are kept: short, and fit for a diff. */

function rounded(_key, value) {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

/** Arrays of numbers on one line each. */
export function compact(value) {
  return JSON.stringify(value, rounded, 2).replace(/\[[\d\s.,e+-]*\]/g, (list) =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}
