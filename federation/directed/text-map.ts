import type { Form } from '../form.ts'

/** An object of texts, all names and values together of at most so many UTF-8 bytes. */
export const textMap =
  (maxBytes: number): Form<Readonly<Record<string, string>>> =>
  (value, path, tell) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return tell(path, 'expected an object of texts')
    let bytes = 0
    for (const text of Object.entries(value).flat()) {
      if (typeof text !== 'string' || !text.isWellFormed()) return tell(path, 'not an object of texts')
      bytes += Buffer.byteLength(text)
    }
    return bytes <= maxBytes ? { ...value } : tell(path, `longer than ${maxBytes} bytes`)
  }
