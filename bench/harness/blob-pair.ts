import type { BlobRead } from './blob-client.ts'
import type { BlobContender, BlobOptions } from './blob-contender.ts'
import { Child } from './child.ts'

const READY_MS = 300_000
const READ_MS = 300_000
const FIRST_TIMES = 100

export interface BlobSample {
  readonly megabytesPerSecond: number
  /** Of both sides. */
  readonly cpuSecondsPerGb: number
  /** Median until the first bytes; NaN where it is not measured. */
  readonly firstMs: number
}

/** One contender: the side that has a blob and the side that reads it, each in a process of its own. */
export class BlobPair {
  readonly name: string
  readonly #bytes: number
  readonly #server: Child
  readonly #client: Child

  private constructor(name: string, bytes: number, server: Child, client: Child) {
    this.name = name
    this.#bytes = bytes
    this.#server = server
    this.#client = client
  }

  static async start({ name, ends, encryption, prepare }: BlobContender, bytes: number): Promise<BlobPair> {
    const program = await prepare?.()
    const options: BlobOptions = { bytes, encryption, ...(program !== undefined && { program }) }
    const server = Child.start(`${name} server`, new URL('./echo-server.ts', import.meta.url), [
      ends.href,
      JSON.stringify(options)
    ])
    const started: Child[] = [server]
    try {
      const address = await server.ask<string>('address', { withinMs: READY_MS })
      const script = new URL('./blob-client.ts', import.meta.url)
      const client = Child.start(`${name} client`, script, [ends.href, address, JSON.stringify(options)])
      started.push(client)
      await client.ask('ready', { withinMs: READY_MS })
      return new BlobPair(name, bytes, server, client)
    } catch (error) {
      for (const child of started) await child.stop()
      throw error
    }
  }

  async sample(): Promise<BlobSample> {
    await this.#client.ask('prepare', { withinMs: READY_MS })
    const before = await this.#server.ask<number>('cpu')
    const { seconds, cpuMicros } = await this.#client.ask<BlobRead>('read', { withinMs: READ_MS })
    const cpu = cpuMicros + (await this.#server.ask<number>('cpu')) - before
    const first = await this.#client.ask<number | undefined>('first', {
      args: { times: FIRST_TIMES },
      withinMs: READ_MS
    })
    return {
      megabytesPerSecond: this.#bytes / 1e6 / seconds,
      cpuSecondsPerGb: (cpu * 1000) / this.#bytes,
      firstMs: first ?? NaN
    }
  }

  async stop(): Promise<void> {
    await this.#client.stop()
    await this.#server.stop()
  }
}
