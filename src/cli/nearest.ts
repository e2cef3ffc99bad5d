/** Finds the word that a mistyped one was meant to be. */

/** Returns the most similar word; undefined if none is similar. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(given.length / 3));
  const ranked = words
    .map((word) => ({ word, distance: word.startsWith(given) ? 0 : editDistance(given, word) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.word;
}

/** How many letters are inserted, removed, replaced or swapped with the next. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const [above, left, diagonal] = [last[j] ?? 0, row[j - 1] ?? 0, last[j - 1] ?? 0];
      const swapped = isSwapped ? (beforeLast[j - 2] ?? 0) : Number.POSITIVE_INFINITY;
      row.push(Math.min(above + 1, left + 1, diagonal + (isSame ? 0 : 1), swapped + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last.at(-1) ?? 0;
}
