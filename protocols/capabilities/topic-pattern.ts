const MAX_BYTES = 255
const SEGMENT = '[A-Za-z0-9._~-]+'
const TOPIC = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`)
const PATTERN = new RegExp(`^(?:(?:${SEGMENT}|\\*)(?:/(?:${SEGMENT}|\\*))*(?:/\\*\\*)?|\\*\\*)$`)
const ANY = '*'
const ANY_TAIL = '**'

export const isTopic = (text: string): boolean => text.length <= MAX_BYTES && TOPIC.test(text)

/** Segments of a topic, of which any may be `*` for exactly one segment, and the last `**` for one or more. */
export const isTopicPattern = (text: string): boolean => text.length <= MAX_BYTES && PATTERN.test(text)

/** Whether `pattern` allows `topic`. Allows nothing that is no topic. */
export function topicMatches(pattern: string, topic: string): boolean {
  if (!isTopic(topic)) return false
  let at = 0
  let from = 0
  for (;;) {
    const segment = segmentAt(pattern, at)
    if (segment === ANY_TAIL) return true
    const found = segmentAt(topic, from)
    if (segment !== ANY && segment !== found) return false
    at += segment.length + 1
    from += found.length + 1
    if (at > pattern.length || from > topic.length) return at > pattern.length && from > topic.length
  }
}

function segmentAt(text: string, at: number): string {
  const end = text.indexOf('/', at)
  return end < 0 ? text.slice(at) : text.slice(at, end)
}

/** The pattern that allows what both allow and nothing more; undefined where they have no topic in common. */
export function meetPatterns(a: string, b: string): string | undefined {
  const left = a.split('/')
  const right = b.split('/')
  const met: string[] = []
  for (let i = 0; ; i++) {
    const [one, other] = [left[i], right[i]]
    if (one === undefined && other === undefined) return met.join('/')
    if (one === undefined || other === undefined) return undefined
    if (one === ANY_TAIL) return [...met, ...right.slice(i)].join('/')
    if (other === ANY_TAIL) return [...met, ...left.slice(i)].join('/')
    if (one !== other && one !== ANY && other !== ANY) return undefined
    met.push(one === ANY ? other : one)
  }
}

/** Whether `outer` allows every topic that `inner` allows. */
export const patternCovers = (outer: string, inner: string): boolean => meetPatterns(outer, inner) === inner
