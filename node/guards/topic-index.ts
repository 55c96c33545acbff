import { isTopic } from '../../protocols/index.ts'

const ANY = '*'
const ANY_TAIL = '**'

interface Branch<T> {
  /** By segment; `*` is no segment of a topic. */
  readonly next: Map<string, Branch<T>>
  /** Of patterns that end here. */
  readonly here: T[]
  /** Of patterns that go on with `**`. */
  readonly tail: T[]
}

const branch = <T>(): Branch<T> => ({ next: new Map(), here: [], tail: [] })

/** Which of many patterns allow a topic, found by its segments and not one by one. */
export class TopicIndex<T> {
  readonly #root: Branch<T> = branch()

  /** Adds a pattern, as `isTopicPattern` knows it, that stands for a value. */
  add(pattern: string, value: T): void {
    const segments = pattern.split('/')
    const hasTail = segments.at(-1) === ANY_TAIL
    let at = this.#root
    for (const segment of hasTail ? segments.slice(0, -1) : segments) {
      const known = at.next.get(segment)
      const next = known ?? branch<T>()
      if (known === undefined) at.next.set(segment, next)
      at = next
    }
    const values = hasTail ? at.tail : at.here
    values.push(value)
  }

  /** The values of the patterns that allow a topic, each once; none for what is no topic. */
  find(topic: string): ReadonlySet<T> {
    const found = new Set<T>()
    if (isTopic(topic)) collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function collect<T>(at: Branch<T>, segments: readonly string[], depth: number, found: Set<T>): void {
  if (depth === segments.length) {
    for (const value of at.here) found.add(value)
    return
  }
  for (const value of at.tail) found.add(value)
  for (const segment of [segments[depth]!, ANY]) {
    const next = at.next.get(segment)
    if (next !== undefined) collect(next, segments, depth + 1, found)
  }
}
