import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Violation } from './check-history.ts'

/** What sealed bodies of the load are full of: 24 bytes that stand in the store and in messages, and nowhere else. */
export const CANARY = 'canary-b2d94e6f-3a17c058'

/** As it is, and as a program might write bytes that it does not read. */
const FORMS: readonly (readonly [form: string, text: string])[] = [
  ['text', CANARY],
  ['hex', Buffer.from(CANARY).toString('hex')],
  ['numbers', [...Buffer.from(CANARY)].join(',')],
  // Of a text that repeats it, base64 begins somewhere within three bytes.
  ...[0, 1, 2].map(
    at => ['base64', Buffer.from(CANARY.repeat(2).slice(at, at + 24)).toString('base64')] as const
  )
]
const KEPT = Math.max(...FORMS.map(([, text]) => text.length)) - 1

/** Looks for the canary in all that a node shows of itself, over several of its lives. */
export class CanarySearch {
  readonly #found = new Set<string>()
  readonly #ends = new Map<string, string>()
  readonly #searched = new Map<string, number>()

  /** A piece of what `place` shows; found also where it lies in two pieces. */
  read(place: string, piece: string): void {
    const text = (this.#ends.get(place) ?? '') + piece
    for (const [form, canary] of FORMS) if (text.includes(canary)) this.#found.add(`as ${form} in ${place}`)
    this.#ends.set(place, text.slice(-KEPT))
    this.#searched.set(place, this.searched(place) + piece.length)
  }

  /** The audit log of a data folder, and what LevelDB logs of itself. */
  async readFolder(data: string): Promise<void> {
    const files = await readdir(data, { recursive: true, withFileTypes: true })
    for (const file of files) {
      if (!file.isFile()) continue
      const path = join(file.parentPath, file.name)
      if (file.name === 'LOG') this.read('a log of LevelDB', await readFile(path, 'latin1'))
      else if (path.startsWith(join(data, 'audit')))
        this.read('the audit log', await readFile(path, 'latin1'))
    }
  }

  /** How many characters of a place were searched. */
  searched(place: string): number {
    return this.#searched.get(place) ?? 0
  }

  get violations(): readonly Violation[] {
    return [...this.#found].map(where => ({ rule: 'shown', detail: `a sealed body stands ${where}` }))
  }
}
