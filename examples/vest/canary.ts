import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where a word was looked for, and in which places it stands. */
export interface Search {
  readonly places: number
  readonly bytes: number
  readonly found: readonly string[]
}

/** A file or a text under a name. */
export interface Place {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Every file below a folder. */
export async function filesBelow(folder: string): Promise<Place[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(files.map(async name => ({ name, bytes: await readFile(name) })))
}

/** Looks for a word as it is, in UTF-16, hex and base 64, in any alignment. */
export function search(word: string, places: readonly Place[]): Search {
  const forms = formsOf(word)
  const found = places.filter(({ bytes }) => {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return forms.some(form => content.includes(form))
  })
  return {
    places: places.length,
    bytes: places.reduce((sum, { bytes }) => sum + bytes.length, 0),
    found: found.map(({ name }) => name)
  }
}

function formsOf(word: string): readonly Buffer[] {
  const plain = Buffer.from(word)
  const hex = plain.toString('hex')
  return [
    plain,
    Buffer.from(word, 'utf16le'),
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    ...[0, 1, 2].flatMap(shift =>
      (['base64', 'base64url'] as const).map(form => base64At(plain, shift, form))
    )
  ]
}

/** The characters that stand for the word alone, wherever its neighbours put it. */
function base64At(word: Buffer, shift: number, form: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(shift), word])
    .toString(form)
    .replace(/=+$/, '')
  return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -1))
}
