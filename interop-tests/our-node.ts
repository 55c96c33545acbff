import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import type { Ended } from './child.ts'

export const LAUNCHER = fileURLToPath(new URL('../bin/omnigate.mjs', import.meta.url))

export type Encryption = 'noise' | 'tls'

/** How `OurNode` may differ from a node whose callers on loopback are known. */
export interface OurNodeOptions {
  readonly encryption?: Encryption
  readonly strangers?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** A node of ours in a process of its own, on any free port, that keeps nothing. */
export class OurNode implements AsyncDisposable {
  readonly child: Child
  readonly address: string
  /** Where it serves HTTP, if `env` says that it does. */
  readonly http: string

  private constructor(child: Child, address: string, http: string) {
    this.child = child
    this.address = address
    this.http = http
  }

  static async start({ encryption, strangers = false, env = {} }: OurNodeOptions = {}): Promise<OurNode> {
    const args = [LAUNCHER, 'start', '--ephemeral', '--json', '--listen', '/ip4/127.0.0.1/tcp/0']
    const child = new Child(process.execPath, args, {
      OMNIGATE_HTTP__ENABLED: 'false',
      OMNIGATE_STRANGERS__LOOPBACK_IS_KNOWN: String(!strangers),
      OMNIGATE_CAPABILITIES__OPEN_VERBS: '*',
      ...(encryption && { OMNIGATE_TRANSPORT__ENCRYPTION: encryption }),
      ...env
    })
    try {
      const { addresses, http } = await child.firstJson()
      return new OurNode(child, (addresses as string[])[0]!, String(http))
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]()
  }
}

/** Runs a command of ours to its end. */
export async function omnigate(args: readonly string[], withinMs?: number): Promise<Ended> {
  await using child = new Child(process.execPath, [LAUNCHER, ...args])
  return await child.ended(withinMs)
}
