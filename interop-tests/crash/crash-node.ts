import { Child, within } from '../child.ts'
import { LAUNCHER } from '../our-node.ts'

const START_MS = 60_000

/** A node on a data folder of its own, to be killed at any time. */
export class CrashNode implements AsyncDisposable {
  readonly address: string
  readonly #child: Child

  private constructor(child: Child, address: string) {
    this.#child = child
    this.address = address
  }

  /** @throws Error with what the node wrote to standard error, when it does not start. */
  static async start(data: string, env: Readonly<Record<string, string>> = {}): Promise<CrashNode> {
    const args = ['start', '--data', data, '--init', '--json', '--listen', '/ip4/127.0.0.1/tcp/0']
    const child = new Child(process.execPath, [LAUNCHER, ...args], {
      OMNIGATE_HTTP__ENABLED: 'false',
      OMNIGATE_STRANGERS__LOOPBACK_IS_KNOWN: 'true',
      OMNIGATE_CAPABILITIES__OPEN_VERBS: '*',
      ...env
    })
    try {
      const { addresses } = await within(START_MS, 'the start of a node', child.firstJson())
      return new CrashNode(child, (addresses as string[])[0]!)
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What it logged so far, the newest part. */
  get log(): string {
    return this.#child.stderr
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
  }

  async stop(): Promise<void> {
    this.#child.signal('SIGTERM')
    await this.#child.ended()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
