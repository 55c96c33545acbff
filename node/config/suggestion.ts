/** `; did you mean X?` when a known word is at most two letters away, else nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const near = [...known].find(candidate => distance(word.toLowerCase(), candidate.toLowerCase()) <= 2)
  return near === undefined ? '' : `; did you mean ${near}?`
}

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 64) return Infinity
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
    }
    row = next
  }
  return row[b.length] ?? Infinity
}
