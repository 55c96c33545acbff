import { canonicalJson } from '../../federation/index.ts'
import { readSecretFile, replaceFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'
import { commitment } from './audit.ts'
import { KeyRing, MAX_ROOT_KEYS, ROOT_KEY_BYTES } from './key-ring.ts'
import type { GraceKey, Ring, RootKey } from './key-ring.ts'

const FORMAT = 1
const MAX_BYTES = 65_536
const MAX_KID = 0xffff_ffff

/**
 * The text of `root-keys.json`: canonical JSON and a line feed. `check` is the SHA-256 of the same JSON without it: a
 * flipped bit in a key would otherwise be a key that fits no token.
 */
export function formatRing({ current, grace }: Ring): string {
  const keys = [...grace.map(key => ({ ...row(key), until: key.until })), row(current)]
  const content = { format: FORMAT, keys }
  return `${canonicalJson({ ...content, check: commitment(canonicalJson(content)) })}\n`
}

const row = ({ kid, key }: RootKey) => ({ kid, key: Buffer.from(key).toString('base64') })

/** @throws SyntaxError that quotes nothing of the text, RangeError when a newer version has written it. */
export function parseRing(text: string): Ring {
  const { format, keys } = objectOf(text)
  if (typeof format === 'number' && format > FORMAT) throw new RangeError(`format ${format}`)
  if (format !== FORMAT || !Array.isArray(keys) || keys.length < 1 || keys.length > MAX_ROOT_KEYS)
    throw new SyntaxError('not a ring of keys')
  const grace = keys.slice(0, -1).map(graceKey)
  const ring = { current: rootKey(keys.at(-1)), grace }
  const kids = [...grace, ring.current].map(({ kid }) => kid)
  if (kids.some((kid, i) => i > 0 && kid <= kids[i - 1]!)) throw new SyntaxError('kids out of order')
  // Also refuses a wrong `check`, a member more or less, and any other form of the same ring.
  if (formatRing(ring) !== text) throw new SyntaxError('its check does not fit it')
  return ring
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>
  } catch {
    throw new SyntaxError('not JSON')
  }
}

function rootKey(value: unknown): RootKey {
  const { kid, key } = (value ?? {}) as Record<string, unknown>
  const bytes = Uint8Array.from(Buffer.from(String(key), 'base64'))
  if (!Number.isInteger(kid) || Number(kid) < 1 || Number(kid) > MAX_KID || bytes.length !== ROOT_KEY_BYTES)
    throw new SyntaxError('not a key')
  return { kid: Number(kid), key: bytes }
}

function graceKey(value: unknown): GraceKey {
  const { until } = (value ?? {}) as Record<string, unknown>
  if (!Number.isSafeInteger(until)) throw new SyntaxError('no end of its grace')
  return { ...rootKey(value), until: Number(until) }
}

/**
 * The root keys in a file (0600), which is replaced whole at each change: a crash leaves the ring before or after it.
 * @throws SetupError `permission` when others may read it, `badInput`, `noInput`, `newerFormat`.
 */
export async function openKeyRing(path: string, now: number): Promise<KeyRing> {
  const text = await readSecretFile(path, { maxBytes: MAX_BYTES })
  const ring = new KeyRing(ringOf(path, text), next => replaceFile(path, formatRing(next)))
  await ring.forgetExpired(now)
  return ring
}

function ringOf(path: string, text: string): Ring {
  try {
    return parseRing(text)
  } catch (error) {
    if (error instanceof RangeError)
      throw new SetupError('newerFormat', `${path}: written by a newer omnigate; use that one`)
    const why = error instanceof SyntaxError ? error.message : 'cannot be read'
    throw new SetupError('badInput', `${path}: damaged (${why}); restore it from a backup`)
  }
}
