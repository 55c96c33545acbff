import { Child, within } from '../child.ts'
import { LAUNCHER } from '../our-node.ts'
import { CanarySearch } from './canary.ts'

const START_MS = 60_000
const LOOK_MS = 100

/** A node on a data folder of its own, to be killed at any time. */
export class CrashNode implements AsyncDisposable {
  readonly address: string
  readonly #http: string
  readonly #child: Child
  readonly #search: CanarySearch
  readonly #logged: readonly string[]

  private constructor(
    child: Child,
    logged: readonly string[],
    address: string,
    http: string,
    search: CanarySearch
  ) {
    this.#child = child
    this.#logged = logged
    this.address = address
    this.#http = http
    this.#search = search
  }

  /**
   * All that it logs and measures goes to `search`.
   * @throws Error with what the node wrote to standard error, when it does not start.
   */
  static async start(
    data: string,
    env: Readonly<Record<string, string>> = {},
    search = new CanarySearch()
  ): Promise<CrashNode> {
    const args = ['start', '--data', data, '--init', '--json', '--listen', '/ip4/127.0.0.1/tcp/0']
    const whole = {
      OMNIGATE_HTTP__LISTEN: '127.0.0.1:0',
      OMNIGATE_LOG__LEVEL: 'trace',
      OMNIGATE_STRANGERS__LOOPBACK_IS_KNOWN: 'true',
      // Few, so that many messages become dead letters.
      OMNIGATE_MAILBOX__MAX_ATTEMPTS: '3',
      OMNIGATE_CAPABILITIES__OPEN_VERBS: '*',
      ...env
    }
    const logged: string[] = []
    const child = new Child(process.execPath, [LAUNCHER, ...args], whole, text => {
      logged.push(text)
      search.read('the log', text)
    })
    try {
      const { addresses, http } = await within(START_MS, 'the start of a node', child.firstJson())
      return new CrashNode(child, logged, (addresses as string[])[0]!, String(http), search)
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** All that it logged so far, from what was said when its store was opened. */
  get log(): string {
    return this.#logged.join('')
  }

  /** Searches what it measures, now and again until `ended`. */
  async watch(ended: Promise<unknown>): Promise<void> {
    let isOver = false
    const over = ended.then(() => (isOver = true))
    do {
      await this.look()
      await Promise.race([over, new Promise(resolve => setTimeout(resolve, LOOK_MS))])
    } while (!isOver)
  }

  /** Searches what it measures; a node that is killed meanwhile has shown what came. */
  async look(): Promise<void> {
    const page = await fetch(`${this.#http}/metrics`)
      .then(answer => answer.text())
      .catch(() => '')
    if (page !== '') this.#search.read('the metrics', `${page}\n`)
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
