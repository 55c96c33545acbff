import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'

const OMNIGATE = fileURLToPath(new URL('../../bin/omnigate.mjs', import.meta.url))
/** Of what a node says on standard error: its end says why it ended. */
const KEPT_CHARS = 4000
/** What its node needs beside the default to run next to others on one machine. */
const ENVIRONMENT = { OMNIGATE_HTTP__ENABLED: 'false', OMNIGATE_LOG__LEVEL: 'error' }

/** A hub of the demonstration: its node is a process of its own. */
export class Hub {
  readonly name: string
  readonly data: string
  id = ''
  address = ''
  /** What its operator asks of the running node. */
  operator!: AdminClient
  #process: ChildProcess | undefined

  constructor(name: string, top: string) {
    this.name = name
    this.data = join(top, name)
  }

  /** Makes its folder the first time; later its node comes back to the port that it had, on another folder where one is given. */
  async start(data = this.data): Promise<void> {
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1] ?? '0'
    const words = ['start', '--init', '--json', '--data', data, '--listen', `/ip4/127.0.0.1/tcp/${port}`]
    const child = spawn(process.execPath, [OMNIGATE, ...words], {
      env: { ...process.env, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#process = child
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-KEPT_CHARS)))
    const ended = once(child, 'close').then(() => {
      throw new Error(`the node of ${this.name} ended: ${said}`)
    })
    ended.catch(() => undefined)
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string]
    const { hub_id, addresses } = JSON.parse(line) as { hub_id: string; addresses: readonly [string] }
    this.id = hub_id
    this.address = addresses[0]
    this.operator = await connectAdmin(data)
  }

  /** The id of the tenant that it was made with. */
  async tenant(): Promise<string> {
    return (await this.operator.capabilities.tenant_show({ tenant: 'default' })).id
  }

  /** Ends its node without a word. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    await this.operator?.[Symbol.asyncDispose]()
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }
}
