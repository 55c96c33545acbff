import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import type { Encryption } from './our-node.ts'

const SOURCE = fileURLToPath(new URL('go-peer/', import.meta.url))
const BUILT = fileURLToPath(new URL('.cache/', import.meta.url))
/** Where `buildGoPeer` puts it. */
export const GO_PEER = `${BUILT}go-peer`
const BUILD_MS = 10 * 60_000
const PATH = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')

/** Why the tests with the Go peer are left out here; undefined where Go is, and always in CI. */
export function goIsMissing(): string | undefined {
  if (process.env['CI'] || run(['version'], 10_000).status === 0) return undefined
  return 'Go is not installed: the tests with the Go peer are left out'
}

/** Builds the peer from its source. @throws with what the compiler said. */
export function buildGoPeer(): void {
  mkdirSync(BUILT, { recursive: true })
  const { status, error, stderr } = run(['build', '-buildvcs=false', '-o', GO_PEER, '.'], BUILD_MS)
  if (status !== 0) throw new Error(`cannot build the Go peer: ${error?.message ?? stderr}`)
}

function run(args: readonly string[], timeout: number) {
  return spawnSync('go', args, { cwd: SOURCE, timeout, encoding: 'utf8', env: { ...process.env, PATH } })
}

export interface GoCase {
  readonly case: string
  readonly pass: boolean
  readonly message?: string
}

/** Lets the Go peer play its cases against a node, and gives their results. */
export async function goDials(
  address: string,
  { encryption = 'noise', group = 'all' }: { encryption?: Encryption; group?: string } = {}
): Promise<GoCase[]> {
  await using child = new Child(GO_PEER, ['dial', '--encryption', encryption, '--case', group, address])
  const { stdout, stderr } = await child.ended(180_000)
  if (stdout.length === 0) throw new Error(`the Go peer played no case: ${stderr}`)
  return stdout.map(line => JSON.parse(line) as GoCase)
}

/** The Go peer as a node, until it is disposed. */
export class GoNode implements AsyncDisposable {
  readonly child: Child
  readonly address: string

  private constructor(child: Child, address: string) {
    this.child = child
    this.address = address
  }

  static async start(...options: readonly string[]): Promise<GoNode> {
    const child = new Child(GO_PEER, ['serve', ...options])
    try {
      return new GoNode(child, String((await child.firstJson())['multiaddr']))
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]()
  }
}

/** What a node answered to one echo of the Go peer. */
export interface GoVerdict {
  readonly status: number
  readonly code?: string
  readonly reason?: string
}

/** Lets the Go peer echo once under a token, narrowed by what `options` of its command say. */
export async function goCalls(
  address: string,
  { token = '', options = [] }: { token?: string; options?: readonly string[] } = {}
): Promise<GoVerdict> {
  await using child = new Child(GO_PEER, ['call', ...options, address], { RON_CAP: token })
  const { code, stdout, stderr } = await child.ended()
  if (code !== 0) throw new Error(`the Go peer had no answer: ${stderr}`)
  return JSON.parse(stdout.join('')) as GoVerdict
}
