import { Child } from './child.ts'
import { goBuild, goBuilt } from './go-build.ts'
import type { Encryption } from './our-node.ts'

/** Where `buildGoPeer` puts it. */
export const GO_PEER = goBuilt('go-peer')

/** Builds the peer from its source. @throws with what the compiler said. */
export const buildGoPeer = (): string =>
  goBuild({ name: 'go-peer', source: new URL('go-peer/', import.meta.url) })

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
