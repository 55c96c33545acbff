/**
 * A pure function of a text that keeps its newest results, at most `most`; the oldest gives way. What it yields is shared
 * by all who ask, so nobody may change it. That there is no result is not kept: what is wrong pushes nothing out.
 * `from` is what the text stands for, and only that: two that differ have different texts.
 */
export function remembered<V, F extends readonly unknown[] = []>(
  most: number,
  find: (text: string, ...from: F) => V | undefined
): (text: string, ...from: F) => V | undefined {
  const known = new Map<string, V>()
  return (text, ...from) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const found = find(text, ...from)
    if (found === undefined) return undefined
    const [oldest] = known.keys()
    if (known.size >= most && oldest !== undefined) known.delete(oldest)
    known.set(text, found)
    return found
  }
}
