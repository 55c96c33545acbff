import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../harness/answering.ts'
import { frameBytes } from '../harness/frame-bytes.ts'
import { SharingHub, type Met } from './sharing-hub.ts'

// A hub that shares a topic with others: it fills it, or links with one that has more and says what it takes to have that.

const UP = '"event":"LinkUp"'
const LOOK_MS = 20
const BATCH = 256
const ROUND = ['share_state', 'share_pull']

/** What a hub has spent since its newest link was up, or until it had all. */
export interface Spent {
  readonly ms: number
  /** User plus system time of the whole process. */
  readonly cpuMicros: number
}

let up: { readonly ms: number; readonly cpu: NodeJS.CpuUsage } | undefined
const [built, top] = process.argv.slice(2) as [string, string]
const hub = await SharingHub.start(built, top, line => {
  if (line.includes(UP)) up = { ms: performance.now(), cpu: process.cpuUsage() }
})

async function fill({ messages, bytes }: { messages: number; bytes: number }): Promise<void> {
  for (let left = messages; left > 0; left -= BATCH)
    await hub.sendBatch(Array.from({ length: Math.min(left, BATCH) }, () => randomBytes(bytes)))
}

function spent(): Spent {
  if (up === undefined) throw new Error('no link is up')
  const { user, system } = process.cpuUsage(up.cpu)
  return { ms: performance.now() - up.ms, cpuMicros: user + system }
}

async function reached({ depth, withinMs }: { depth: number; withinMs: number }): Promise<Spent> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(LOOK_MS))
    if ((await hub.depth()) >= depth) return spent()
  throw new Error(`${await hub.depth()} messages instead of ${depth}`)
}

answerParent(
  {
    self: () => hub.self,
    allow: ({ other, isDialled }: { other: Met; isDialled: boolean }) => hub.allow(other, isDialled),
    forget: ({ hub: other }: { hub: string }) => hub.forget(other),
    file: () => hub.hubFile(),
    learn: ({ file }: { file: string }) => hub.learn(file),
    fill,
    depth: () => hub.depth(),
    expectLink: () => {
      up = undefined
    },
    reached,
    spent,
    frameBytes: async () => frameBytes(await hub.metrics(), 'federation', ROUND)
  },
  () => hub[Symbol.asyncDispose]()
)
