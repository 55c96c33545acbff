import { hash } from 'node:crypto'
import { readSecretFile } from '../durable-file.ts'
import { fileState } from '../file-state.ts'
import { SetupError } from '../setup-error.ts'
import type { Secrets } from './proofs.ts'
import { SECRET_NAME } from './read-envelope.ts'

const MOST_SECRETS = 256
const MAX_FILE_BYTES = 128 * 1024
const SECRET_BYTES = { least: 32, most: 256 } as const

/**
 * The secrets of a text: on each line a name, a space and the secret in base64; empty lines, and those behind `#`, are passed over.
 * @throws SetupError `badInput` that names the line, and holds nothing of it: it may be a secret.
 */
export function parseSecrets(path: string, text: string): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const [n, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue
    const wrong = (what: string): SetupError => new SetupError('badInput', `${path}: line ${n + 1}: ${what}`)
    const [name = '', base64 = '', ...rest] = line.trim().split(/[ \t]+/)
    if (base64 === '' || rest.length > 0) throw wrong('give a name, a space and a secret in base64')
    if (!SECRET_NAME.test(name))
      throw wrong('a name is 1 to 64 letters, digits and _ . -, a letter or digit first')
    const secret = Buffer.from(base64, 'base64')
    if (secret.toString('base64') !== base64) throw wrong('the secret is no base64')
    if (secret.length < SECRET_BYTES.least || secret.length > SECRET_BYTES.most)
      throw wrong(`a secret has ${SECRET_BYTES.least} to ${SECRET_BYTES.most} bytes: openssl rand -base64 32`)
    if (found.has(name)) throw wrong('this name is there before')
    if (found.size === MOST_SECRETS) throw wrong(`more than ${MOST_SECRETS} secrets`)
    found.set(name, secret)
  }
  return found
}

/** As much of the secrets as says whether they are the same; it is kept in memory alone. */
interface KnownSecrets {
  readonly list: readonly { readonly name: string; readonly sha256: string }[]
}

/** What a look at the file led to. */
type SecretsNews = 'same' | 'loaded' | { readonly problem: string }

/**
 * The secrets of a file, which only its owner may read, followed while the node runs: who is added or taken out is so at the next
 * look. A file that cannot be used changes nothing.
 */
export class ProofSecrets implements Secrets {
  readonly #path: string
  #secrets: ReadonlyMap<string, Uint8Array> = new Map()
  #state = ''
  #known: KnownSecrets = { list: [] }

  private constructor(path: string) {
    this.#path = path
  }

  /** None with an empty path. @throws SetupError that names the file, and the line where one is wrong */
  static async open(path: string): Promise<ProofSecrets> {
    const secrets = new ProofSecrets(path)
    if (path !== '') await secrets.#load()
    return secrets
  }

  get size(): number {
    return this.#secrets.size
  }

  /** Another object once they were read anew. */
  get known(): KnownSecrets {
    return this.#known
  }

  get(name: string): Uint8Array | undefined {
    return this.#secrets.get(name)
  }

  /** Looks at the file, for a timer. */
  async look(): Promise<SecretsNews> {
    if (this.#path === '') return 'same'
    try {
      if ((await fileState(this.#path)) === this.#state) return 'same'
      await this.#load()
      return 'loaded'
    } catch (error) {
      if (error instanceof SetupError) return { problem: error.message }
      throw error
    }
  }

  async #load(): Promise<void> {
    // First, so that a change while it is read is seen at the next look.
    const state = await fileState(this.#path)
    this.#secrets = parseSecrets(this.#path, await readSecretFile(this.#path, { maxBytes: MAX_FILE_BYTES }))
    this.#state = state
    this.#known = {
      list: Array.from(this.#secrets, ([name, secret]) => ({ name, sha256: hash('sha256', secret, 'hex') }))
    }
  }
}
