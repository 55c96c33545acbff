import type { Random } from '../../fuzz/engine/random.ts'

const DEEP = 3000
const TEXTS = [
  '',
  ' ',
  '\0',
  '\u202e',
  '\ud800',
  'é'.normalize('NFD'),
  '../../etc/passwd',
  '%00',
  "';--",
  '${7*7}',
  '<script>',
  'a'.repeat(300),
  'x'.repeat(70_000),
  '9007199254740993',
  'null',
  '__proto__'
]
// Nothing between what is refused and what is over at once: a wait that is asked for is no finding.
const NUMBERS = [-1, 0, 1, 0.5, -0, 1e-9, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53) - 2, 1e308]
const KEYS = ['__proto__', 'constructor', 'toString', 'topic', 'id', 'limit', '', 'x'.repeat(300)]

/** Any JSON value, mostly a wrong one. */
function odd(random: Random): unknown {
  switch (random.below(8)) {
    case 0:
      return null
    case 1:
      return random.once(2)
    case 2:
    case 3:
      return random.pick(NUMBERS)
    case 4:
      return []
    case 5:
      return { [random.pick(KEYS)]: random.pick(TEXTS) }
    case 6:
      return Array.from({ length: random.pick([1, 3, 2000]) }, () => random.pick(TEXTS.slice(0, 6)))
    default:
      return random.pick(TEXTS)
  }
}

type Members = Record<string, unknown>
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A copy with one or two places changed, anywhere in it. */
export function changed(value: unknown, random: Random): unknown {
  if (Array.isArray(value) && value.length > 0 && !random.once(4)) {
    const at = random.below(value.length)
    return value.map((item, i) => (i === at ? changed(item, random) : item))
  }
  if (!isObject(value) || random.once(12)) return odd(random)
  const names = Object.keys(value)
  const name = names.length === 0 || random.once(6) ? random.pick(KEYS) : random.pick(names)
  const { [name]: old, ...others } = value
  if (random.once(4)) return others
  return Object.defineProperty({ ...others }, name, {
    value: random.once(2) ? changed(old, random) : odd(random),
    enumerable: true
  })
}

/** JSON text that is cut, doubled, nested beyond reason, or not JSON at all. */
export function brokenJson(text: string, random: Random): Buffer {
  const at = random.below(text.length + 1)
  switch (random.below(9)) {
    case 0:
      return Buffer.from(text.slice(0, at))
    case 1:
      return Buffer.from(text + text)
    case 2:
      return Buffer.from('['.repeat(DEEP) + ']'.repeat(DEEP))
    case 3:
      return Buffer.from(`${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`)
    case 4:
      return Buffer.from(`\ufeff${text}`)
    case 5:
      return Buffer.from(text, 'utf16le')
    case 6:
      return Buffer.from(text.replace('{', '{"topic":"a","id":"a","id":"b",'))
    case 7:
      return Buffer.from(text.replaceAll(/\d+/g, '1'.repeat(400)))
    default:
      return flipped(Buffer.from(text), random)
  }
}

function flipped(bytes: Buffer, random: Random): Buffer {
  for (let n = random.below(4); n >= 0 && bytes.length > 0; n--)
    bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

/** A value for a query or a path. */
export const oddText = (random: Random): string =>
  random.once(3) ? String(random.pick(NUMBERS)) : random.pick(TEXTS.slice(0, -3))
