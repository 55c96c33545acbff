import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin } from 'omnigate'
import { Child } from '../child.ts'
import { LAUNCHER, omnigate } from '../our-node.ts'

/** A hub with one node in a process of its own, and its operator's commands. */
export class Hub implements AsyncDisposable {
  readonly data: string
  readonly #top: string
  readonly #env: Readonly<Record<string, string>>
  #child: Child | undefined
  id = ''
  address = ''
  /** Where it serves HTTP, where `env` lets it. */
  http = ''

  private constructor(top: string, env: Readonly<Record<string, string>>) {
    this.#top = top
    this.#env = env
    this.data = join(top, 'hub')
  }

  /** Made anew, or with the keys of `twin`, and running. */
  static async start({
    env = {},
    twin
  }: { readonly env?: Readonly<Record<string, string>>; readonly twin?: Hub } = {}): Promise<Hub> {
    const hub = new Hub(await mkdtemp(join(tmpdir(), 'omnigate-hub-')), env)
    try {
      if (twin !== undefined) await hub.#copyKeys(twin)
      await hub.run()
      return hub
    } catch (error) {
      await hub[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Starts its node, again on the port that it had. */
  async run(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1] ?? '0'
    const args = ['start', '--init', '--json', '--data', this.data, '--listen', `/ip4/127.0.0.1/tcp/${port}`]
    this.#child = new Child(process.execPath, [LAUNCHER, ...args], {
      OMNIGATE_HTTP__ENABLED: 'false',
      ...this.#env,
      ...env
    })
    const { hub_id, addresses, http } = await this.#child.firstJson()
    this.http = String(http)
    this.id = hub_id as string
    this.address = (addresses as string[])[0]!
  }

  /** What its node has in its log, the oldest first, as far as it is kept; lines that are not JSON are left out. */
  get log(): readonly Readonly<Record<string, unknown>>[] {
    return (this.#child?.stderr ?? '').split('\n').flatMap(line => {
      try {
        return [JSON.parse(line) as Record<string, unknown>]
      } catch {
        return []
      }
    })
  }

  /** Ends its node without a word. */
  async kill(): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]()
    this.#child = undefined
  }

  /** What a command of its operator prints as JSON. Rejects with what it says where it fails. */
  async says(...command: readonly string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await omnigate([...command, '--data', this.data, '--json'])
    if (code !== 0) throw new Error(`${command.join(' ')}: ${code}: ${stderr}`)
    return JSON.parse(stdout.join('\n')) as Record<string, unknown>
  }

  /** Resolves once its link with another hub is as wished. */
  async link(other: Hub, wished: 'up' | 'down', withinMs = 60_000): Promise<void> {
    await using operator = await connectAdmin(this.data)
    const end = performance.now() + withinMs
    for (;;) {
      const { link, why } = await operator.federation.peer_show({ hub: other.id })
      if (link === wished) return
      if (performance.now() > end) throw new Error(`the link is ${link} (${why}), not ${wished}`)
      await sleep(50)
    }
  }

  /** The entries of a type in its audit log, oldest first. */
  async audited(type: string): Promise<Record<string, unknown>[]> {
    const { stdout } = await omnigate(['audit', 'tail', '-n', '200', '--data', this.data, '--json'])
    return stdout
      .map(line => JSON.parse(line) as { readonly type: string; readonly data: Record<string, unknown> })
      .filter(entry => entry.type === type)
      .map(({ data }) => data)
  }

  async #copyKeys({ data }: Hub): Promise<void> {
    await mkdir(this.data, { mode: 0o700 })
    for (const part of ['keys', 'FORMAT'])
      await cp(join(data, part), join(this.data, part), { recursive: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#top, { recursive: true, force: true })
  }
}
