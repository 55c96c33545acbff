import type { Leaf } from './schema.ts'
import type { Schema } from './type.ts'

export const ENV_PREFIX = 'OMNIGATE_'

/** The environment variable of a key: `limits.maxFrameBytes` is `OMNIGATE_LIMITS__MAX_FRAME_BYTES`. */
export function envName({ section, key }: Pick<Leaf, 'section' | 'key'>): string {
  return `${ENV_PREFIX}${section.toUpperCase()}__${key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`
}

/**
 * The value that a variable's text stands for under a schema: whole numbers, `true` and `false`, lists divided by
 * commas. Text that does not fit comes back as it is, for the schema to refuse.
 */
export function readEnv({ type }: Schema, text: string): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  if (type === 'array') return text === '' ? [] : text.split(',').map(item => item.trim())
  return text
}
