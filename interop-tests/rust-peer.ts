import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'

const SOURCE = fileURLToPath(new URL('rust-peer/', import.meta.url))
const BUILT = fileURLToPath(new URL('.cache/rust-peer/', import.meta.url))
const BUILD_MS = 20 * 60_000
const ANSWER_MS = 60_000

/** Why the tests with the Rust peer are left out; `.ci/full` sets RUST. */
export const rustIsMissing = (): string | undefined =>
  process.env['RUST'] === undefined
    ? 'rust-libp2p takes minutes to fetch and build: set RUST=1, as .ci/full does'
    : undefined

/** Builds the peer from its source, with the versions of its lock. @throws with what the compiler said. */
export function buildRustPeer(): void {
  mkdirSync(BUILT, { recursive: true })
  const { status, error, stderr } = spawnSync('cargo', ['build', '--locked', '--quiet', '--jobs', '2'], {
    cwd: SOURCE,
    timeout: BUILD_MS,
    encoding: 'utf8',
    env: { ...process.env, CARGO_TARGET_DIR: BUILT }
  })
  if (status !== 0) throw new Error(`cannot build the Rust peer: ${error?.message ?? stderr}`)
}

/** How something that the Rust peer was told to do ended. */
export interface RustVerdict {
  /** What the other side refused it with. */
  readonly status?: number
  readonly code?: string
  /** Its own code for what the other side should not have sent. */
  readonly lie?: string
  readonly lost?: string
  /** What the other side says of itself. */
  readonly stated?: Readonly<Record<string, unknown>>
  /** Whether an echo was what it had sent. */
  readonly same?: boolean
  readonly has?: readonly boolean[]
  /** Of a blob: what it proved, and the SHA-256 of that. */
  readonly bytes?: number
  readonly digest?: string
  readonly total_len?: number
  readonly cid?: string
  /** Of a handshake: whether it made a link, and what it showed; `refused` is the code with which this peer ended it. */
  readonly linked?: boolean
  readonly refused?: string
  readonly hub?: string
  readonly transcript?: string
  readonly fingerprint?: string
  readonly verbs?: readonly string[]
  readonly invite?: string
  /** Whom its DHT names, as peer ids. */
  readonly providers?: readonly string[]
}

/** The Rust peer in a process of its own, and what it is told to do. */
export class RustPeer implements AsyncDisposable {
  readonly #child: Child
  /** Its hub. */
  readonly id: string
  readonly address: string

  /** The peer id of its node. */
  get peer(): string {
    return this.address.split('/p2p/')[1]!
  }

  private constructor(child: Child, id: string, address: string) {
    this.#child = child
    this.id = id
    this.address = address
  }

  static async start(): Promise<RustPeer> {
    const child = new Child(`${BUILT}debug/rust-peer`, ['hub'])
    try {
      const { hub, multiaddr } = await child.firstJson()
      return new RustPeer(child, String(hub), String(multiaddr))
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Rejects with what went wrong on its side, where there was no verdict. */
  async does(what: string, more: Readonly<Record<string, unknown>> = {}): Promise<RustVerdict> {
    const answer = await this.#child.asked(JSON.stringify({ do: what, ...more }), ANSWER_MS)
    if ('error' in answer) throw new Error(`${what}: ${JSON.stringify(answer['error'])}`)
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
  }
}
