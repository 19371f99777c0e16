/** The word that was probably meant: at most two letters away, and closer than any other. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  const lower = given.toLowerCase();
  const most = given.length < 4 ? 1 : 2;
  const found = words.map((word): [number, string] => [distance(lower, word.toLowerCase()), word]).sort(([a], [b]) => a - b)[0];
  return found !== undefined && found[0] <= most ? found[1] : undefined;
}

/** Levenshtein's, by rows. */
function distance(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= two.length; j += 1) {
      const change = (row[j - 1] as number) + (one[i - 1] === two[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[two.length] as number;
}
