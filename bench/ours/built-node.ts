import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin } from 'omnigate'
import { rssBytesOf } from '../harness/process-files.ts'
import { tcpAddress } from './dev-config.ts'

const START_MS = 60_000
const STOP_MS = 15_000
const COLLECTIONS = 4
const AFTER_COLLECTION_MS = 500
const COLLECT = new URL('./collect-on-signal.mjs', import.meta.url)
const UNBOUNDED = 1_000_000_000
const TOKEN_S = 24 * 3600

/** As an operator gets it; the one tenant of a row may spend and keep what a row takes. */
const CONFIG = `[node]
listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]
[strangers]
loopbackIsKnown = true
[http]
listen = "127.0.0.1:0"
[capabilities]
openVerbs = ["echo:call"]
takesBearer = true
[quotas]
tenantCallsPerSecond = ${UNBOUNDED}
tenantBurst = ${UNBOUNDED}
tenantBytesPerSecond = ${2 ** 40}
[mailbox]
topicDepth = ${UNBOUNDED}
[log]
level = "warn"
`

type NodeProcess = ChildProcessByStdio<null, Readable, null>

/** A node of the built package in a process of its own, as an operator starts it. */
export class BuiltNode implements AsyncDisposable {
  readonly #process: NodeProcess
  readonly #data: string
  readonly address: string
  /** From the start of the process until it said that it serves. */
  readonly startMs: number

  private constructor(process: NodeProcess, data: string, address: string, startMs: number) {
    this.#process = process
    this.#data = data
    this.address = address
    this.startMs = startMs
  }

  /** With `collects`, garbage can be collected from outside. The folder must exist; one of before is used again. */
  static async start(program: string, folder: string, { collects = false } = {}): Promise<BuiltNode> {
    const config = join(folder, 'bench.toml')
    const data = join(folder, 'data')
    await writeFile(config, CONFIG)
    const flags = collects ? ['--expose-gc', '--import', COLLECT.href] : []
    const args = [...flags, program, 'start', '--json', '--data', data, '--init', '--config', config]
    const started = performance.now()
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const killWithUs = () => child.kill('SIGKILL')
    process.once('exit', killWithUs)
    child.once('exit', () => process.removeListener('exit', killWithUs))
    try {
      const { addresses } = await firstJson(child)
      return new BuiltNode(child, data, tcpAddress(addresses ?? []), performance.now() - started)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** A capability of three caveats for these verbs of one tenant, in base64url. */
  async token(verbs: readonly string[]): Promise<string> {
    await using admin = await connectAdmin(this.#data)
    const asked = { verb: verbs.join(','), tenant: 'default', bearer: true, rate: UNBOUNDED, ttl_s: TOKEN_S }
    const { body = new Uint8Array(0) } = await admin.capabilities.cap_mint(asked)
    return Buffer.from(body).toString('base64url')
  }

  rssBytes(): number {
    return rssBytesOf(this.pid)
  }

  /** Resident memory once garbage is gone. */
  async settledRssBytes(): Promise<number> {
    for (let i = 0; i < COLLECTIONS; i++) await this.collect()
    return this.rssBytes()
  }

  /** Has the node collect its garbage, and gives it time to. */
  async collect(): Promise<void> {
    this.#process.kill('SIGUSR2')
    await sleep(AFTER_COLLECTION_MS)
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const force = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await this.#end('SIGTERM')
    clearTimeout(force)
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill(signal)
    await ended
  }
}

async function firstJson(child: NodeProcess): Promise<{ readonly addresses?: readonly string[] }> {
  const stop = new AbortController()
  const late = AbortSignal.any([stop.signal, AbortSignal.timeout(START_MS)])
  const lines = createInterface(child.stdout)
  try {
    const line = once(lines, 'line', { signal: late }).then(([text]) => String(text))
    const ended = once(child, 'exit', { signal: late }).then(([code, signal]) => {
      throw new Error(`built node: ended with ${signal ?? `exit ${code}`} before it served`)
    })
    return JSON.parse(await Promise.race([line, ended])) as { addresses?: string[] }
  } finally {
    stop.abort()
  }
}
