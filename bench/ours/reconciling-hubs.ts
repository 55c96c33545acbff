import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../harness/child.ts'
import type { Spent } from './reconciling-child.ts'
import type { Met } from './sharing-hub.ts'

const SCRIPT = new URL('./reconciling-child.ts', import.meta.url)
const START_MS = 120_000
const CALL_MS = 60_000
const FILL_MS = 2 * 3600_000
const ROUND_MS = 120_000
const LOOK_MS = 1000
const TOLD_MS = 60_000
const BODY_BYTES = 128
/** What the side that gives still does when all is there. */
const AFTERMATH_MS = 300

export interface Reconciled {
  /** Of all frames of both hubs that ask for messages and answer it, without the bodies in them. */
  readonly frameBytes: number
  /** From the moment when the link was up. */
  readonly ms: number
  readonly hereCpuMicros: number
  readonly thereCpuMicros: number
}

interface Hub {
  readonly child: Child
  readonly met: Met
}

/**
 * Two hubs, and origins whose messages both have; the second then gets more of them and the first, which can reach no
 * origin, has to get them from there.
 */
export class ReconcilingHubs implements AsyncDisposable {
  readonly #here: Hub
  readonly #there: Hub
  readonly #origins: readonly Hub[]
  readonly #owned: AsyncDisposableStack

  private constructor([here, there, ...origins]: readonly Hub[], owned: AsyncDisposableStack) {
    this.#here = here!
    this.#there = there!
    this.#origins = origins
    this.#owned = owned
  }

  /** `built` is the folder of the built package. */
  static async start(built: string, origins: number): Promise<ReconcilingHubs> {
    await using started = new AsyncDisposableStack()
    const top = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    started.defer(() => rm(top, { recursive: true, force: true }))
    const children = Array.from({ length: origins + 2 }, (_, n) =>
      started.use(Child.start(`hub ${n}`, SCRIPT, [built, top]))
    )
    const hubs = await Promise.all(
      children.map(async child => ({ child, met: await child.ask<Met>('self', { withinMs: START_MS }) }))
    )
    const [here, there, ...rest] = hubs as [Hub, Hub, ...Hub[]]
    for (const origin of rest) {
      for (const hub of [here, there]) {
        await allow(origin, hub, false)
        await allow(hub, origin, true)
      }
    }
    await allow(there, here, false)
    return new ReconcilingHubs(hubs, started.move())
  }

  /** Has both hubs get so many messages from the origins themselves, and takes the first one's links with these away. */
  async share(messages: number, say: (line: string) => void): Promise<void> {
    await this.#sendEach(messages)
    for (const hub of [this.#here, this.#there]) await this.#filled(hub, messages, say)
    for (const { child, met } of this.#origins) {
      await this.#here.child.ask('forget', { args: { hub: met.hub } })
      await allow(this.#here, { child, met }, false)
      const file = await child.ask<string>('file')
      await this.#here.child.ask('learn', { args: { file } })
    }
  }

  /** The second hub gets so many more, then both link: what it takes until the first one has them, too. */
  async reconcile(different: number): Promise<Reconciled> {
    const [here, there] = [this.#here.child, this.#there.child]
    const before = await here.ask<number>('depth')
    await this.#sendEach(different)
    await this.#filled(this.#there, before + different, () => undefined)
    if ((await here.ask<number>('depth')) !== before) throw new Error('the hub is not apart from the origins')
    const bytesBefore = await this.#frameBytes()
    for (const child of [here, there]) await child.ask('expectLink')
    await allow(this.#here, this.#there, true)
    const args = { depth: before + different, withinMs: ROUND_MS }
    const caught = await here.ask<Spent>('reached', { args, withinMs: ROUND_MS + CALL_MS })
    const gave = await there.ask<Spent>('spent')
    await sleep(AFTERMATH_MS)
    const frameBytes = (await this.#frameBytes()) - bytesBefore - different * BODY_BYTES
    await here.ask('forget', { args: { hub: this.#there.met.hub } })
    return { frameBytes, ms: caught.ms, hereCpuMicros: caught.cpuMicros, thereCpuMicros: gave.cpuMicros }
  }

  async #sendEach(messages: number): Promise<void> {
    const args = { messages: messages / this.#origins.length, bytes: BODY_BYTES }
    await Promise.all(this.#origins.map(({ child }) => child.ask('fill', { args, withinMs: FILL_MS })))
  }

  async #filled({ child }: Hub, depth: number, say: (line: string) => void): Promise<void> {
    let toldMs = performance.now()
    for (const end = performance.now() + FILL_MS; performance.now() < end; await sleep(LOOK_MS)) {
      const has = await child.ask<number>('depth', { withinMs: CALL_MS })
      if (has >= depth) return
      if (performance.now() < toldMs + TOLD_MS) continue
      toldMs = performance.now()
      say(`${has} of ${depth} messages are there`)
    }
    throw new Error(`a hub does not get ${depth} messages in ${FILL_MS / 1000} s`)
  }

  async #frameBytes(): Promise<number> {
    const both = [this.#here, this.#there].map(({ child }) => child.ask<number>('frameBytes'))
    return (await Promise.all(both)).reduce((sum, bytes) => sum + bytes, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

async function allow(hub: Hub, other: Hub, isDialled: boolean): Promise<void> {
  await hub.child.ask('allow', { args: { other: other.met, isDialled }, withinMs: CALL_MS })
}
