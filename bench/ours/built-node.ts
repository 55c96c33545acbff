import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAdmin } from 'omnigate'
import { rssBytesOf } from '../harness/process-files.ts'
import { tcpAddress } from './dev-config.ts'

const START_MS = 30_000
const STOP_MS = 15_000
const COLLECTIONS = 4
const AFTER_COLLECTION_MS = 500
const COLLECT = new URL('./collect-on-signal.mjs', import.meta.url)

const CONFIG = `[node]
listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]
[strangers]
loopbackIsKnown = true
[http]
listen = "127.0.0.1:0"
[capabilities]
openVerbs = ["echo:call"]
[log]
level = "warn"
`

/** A node of the built package in a process of its own, as an operator starts it. */
export class BuiltNode implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #data: string

  private constructor(process: ChildProcess, data: string) {
    this.#process = process
    this.#data = data
  }

  /** With `collects`, garbage can be collected from outside. The folder must exist and be empty. */
  static async start(
    program: string,
    folder: string,
    { collects }: { collects: boolean }
  ): Promise<BuiltNode> {
    const config = join(folder, 'bench.toml')
    const data = join(folder, 'data')
    await writeFile(config, CONFIG)
    const flags = collects ? ['--expose-gc', '--import', COLLECT.href] : []
    const args = [...flags, program, 'start', '--data', data, '--init', '--config', config]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const killWithUs = () => child.kill('SIGKILL')
    process.once('exit', killWithUs)
    child.once('exit', () => process.removeListener('exit', killWithUs))
    const node = new BuiltNode(child, data)
    try {
      await node.address()
      return node
    } catch (error) {
      await node[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Resolves once the node serves. */
  async address(): Promise<string> {
    const deadline = AbortSignal.timeout(START_MS)
    for (;;) {
      if (this.#process.exitCode !== null)
        throw new Error(`built node: ended with exit ${this.#process.exitCode}`)
      try {
        await using admin = await connectAdmin(this.#data)
        const { addresses } = (await admin.status()) as { addresses?: string[] }
        return tcpAddress(addresses ?? [])
      } catch (error) {
        if (deadline.aborted) throw error
        await sleep(100)
      }
    }
  }

  rssBytes(): number {
    return rssBytesOf(this.#process.pid!)
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

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise<void>(resolve => this.#process.once('exit', () => resolve()))
    const force = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    this.#process.kill('SIGTERM')
    await ended
    clearTimeout(force)
  }
}
