import { Child } from './child.ts'
import type { EchoContender, EchoOptions } from './echo-contender.ts'
import type { Load, LoadShape } from './load.ts'

const MESSAGE_BYTES = 128

export interface EchoSample {
  readonly rate: number
  readonly cpuMicros: number
  readonly clientCpuMicros: number
  readonly p50Micros: number
  readonly p99Micros: number
}

/** One contender at work: its server and its client, each in a process of its own. */
export class EchoPair {
  readonly name: string
  readonly #server: Child
  readonly #client: Child

  private constructor(name: string, server: Child, client: Child) {
    this.name = name
    this.#server = server
    this.#client = client
  }

  static async start({
    name,
    ends,
    jitter = false,
    messageBytes = MESSAGE_BYTES,
    prepare
  }: EchoContender): Promise<EchoPair> {
    const options: EchoOptions = { messageBytes, jitter, ...(await prepare?.()) }
    const server = Child.start(`${name} server`, new URL('./echo-server.ts', import.meta.url), [
      ends.href,
      JSON.stringify(options)
    ])
    try {
      const address = await server.ask<string>('address')
      const script = new URL('./echo-client.ts', import.meta.url)
      const client = Child.start(`${name} client`, script, [ends.href, address, JSON.stringify(options)])
      await client.ask('ready')
      return new EchoPair(name, server, client)
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  async sample(shape: LoadShape): Promise<EchoSample> {
    const before = await this.#server.ask<number>('cpu')
    const load = await this.#client.ask<Load>('run', { args: shape, withinMs: shape.forMs + 20_000 })
    const serverCpu = (await this.#server.ask<number>('cpu')) - before
    return {
      rate: load.requests / load.seconds,
      cpuMicros: (load.cpuMicros + serverCpu) / load.requests,
      clientCpuMicros: load.cpuMicros / load.requests,
      p50Micros: load.p50Micros,
      p99Micros: load.p99Micros
    }
  }

  async stop(): Promise<void> {
    await this.#client.stop()
    await this.#server.stop()
  }
}
