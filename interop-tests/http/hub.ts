import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from '../child.ts'
import { LAUNCHER } from '../our-node.ts'

export const READ = 'read-token-of-at-least-32-bytes-01'
export const WRITE = 'write-token-of-at-least-32-bytes-1'
export const ADMIN = 'admin-token-of-at-least-32-bytes-1'
const SECRETS = [READ, WRITE, ADMIN]

/** Events of the log that mean a fault of ours, whoever asked for what. */
const FAULTS =
  /"event":"(?:HttpFailed|HttpCallFailed|AmsFailed|GatewayFailed|SnapshotFailed|DeliveryFailed|HandlerFailed|ServiceCrashed|SessionBroke)"/

const MIB = 2 ** 20
/** What Linux counts processor time in. */
const TICK_MS = 10

interface Log {
  faults: string[]
  secrets: number
}

/** A hub in a process of its own, as an operator starts it, with its data on the disk and three tokens. */
export class Hub implements AsyncDisposable {
  readonly #child: Child
  readonly folder: string
  readonly #log: Log
  readonly url: string
  readonly port: number
  readonly address: string

  private constructor(child: Child, folder: string, log: Log, first: Record<string, unknown>) {
    this.#child = child
    this.folder = folder
    this.#log = log
    this.url = String(first['http'])
    this.port = Number(new URL(this.url).port)
    this.address = (first['addresses'] as string[])[0]!
  }

  /** `env` is configuration, as `OMNIGATE_GATEWAY__RATE_LIMITS`. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<Hub> {
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-http-'))
    const log: Log = { faults: [], secrets: 0 }
    let rest = ''
    const heard = (text: string): void => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop()!.slice(-MIB)
      for (const line of lines) {
        if (FAULTS.test(line) && log.faults.length < 20) log.faults.push(line.slice(0, 2000))
        if (SECRETS.some(secret => line.includes(secret))) log.secrets++
      }
    }
    const args = [LAUNCHER, 'start', '--json', '--init', '--data', join(folder, 'hub')]
    const child = new Child(
      process.execPath,
      [...args, '--listen', '/ip4/127.0.0.1/tcp/0'],
      {
        OMNIGATE_HTTP__ENABLED: 'true',
        OMNIGATE_HTTP__LISTEN: '127.0.0.1:0',
        OMNIGATE_STRANGERS__LOOPBACK_IS_KNOWN: 'true',
        OMNIGATE_LOG__LEVEL: 'warn',
        AMS_READ_TOKEN: READ,
        AMS_WRITE_TOKEN: WRITE,
        AMS_ADMIN_TOKEN: ADMIN,
        ...env
      },
      heard
    )
    try {
      return new Hub(child, folder, log, await child.firstJson())
    } catch (error) {
      await child[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid
  }

  /** What its log had that no request may cause, at most 20 lines, and how many lines held a token. */
  get faults(): readonly string[] {
    const { faults, secrets } = this.#log
    return secrets === 0 ? faults : [...faults, `${secrets} lines of the log hold a token`]
  }

  /** Resident memory now, and the most that there was, in MiB. */
  memory(): { readonly now: number; readonly most: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1')
    const of = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
    return { now: of('VmRSS'), most: of('VmHWM') }
  }

  /** Processor time that it has used, in milliseconds; whatever else the machine does, to 10 ms. */
  processorMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
    const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14)
    return (Number(user) + Number(system)) * TICK_MS
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}
