import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { block } from '../../../node/stores/blobs/blobs.fixture.ts'
import { BLOB_CLASSES, BlobError, LevelBlobStore } from '../../../node/stores/blobs/index.ts'
import type { NewBlob } from '../../../node/stores/blobs/index.ts'
import { Dice } from '../../faults/random.ts'
import { clockMs } from '../history.ts'
import { breakStore } from './breakages.ts'
import { BLOBS } from './history.ts'
import type { Step } from './history.ts'

// node worker.ts FOLDER SEED [BREAKAGE]
// Works with a store of blobs until it is killed, or the store has failed. Each line on its standard output is a step; one that
// begins has no answer.

const LANES = 4
const SEGMENT_BYTES = 512 * 1024
const LONGEST_REST_MS = 3
const FULL_MS = 5

const [, , folder = '', seed = '0', breakage = ''] = process.argv
breakStore(breakage)
const store = await LevelBlobStore.open(folder, {
  now: Date.now,
  segmentBytes: SEGMENT_BYTES,
  sleep: (ms, signal) => sleep(Math.min(ms, LONGEST_REST_MS), undefined, { signal })
})
say({ is: 'ready' })
await Promise.all([...Array.from({ length: LANES }, (_, lane) => work(lane)), collecting(), scrubbing()])

async function work(lane: number): Promise<void> {
  const dice = new Dice(Number(seed) + 1000 * lane)
  const tenant = `tenant-${lane}`
  for (;;) {
    const blob = dice.between(0, BLOBS.length)
    const turn = dice.between(0, 10)
    await unlessFull(async () => {
      if (turn < 5) await put(tenant, blob, { class: dice.pick(BLOB_CLASSES) })
      else if (turn < 8)
        await step({ is: 'delete', tenant, blob }, () => store.roots.delete(tenant, BLOBS[blob]!.root))
      else if (turn < 9) await half(tenant, blob, dice.oneIn(2))
      else await loose(`${lane} ${blob}`)
    })
  }
}

async function put(tenant: string, blob: number, options: NewBlob): Promise<void> {
  const { blocks, root, length } = BLOBS[blob]!
  await step({ is: 'put', tenant, blob }, async () => {
    await using upload = await store.beginPut(tenant, options)
    for (const { id, bytes } of blocks) await upload.write(id, bytes)
    await upload.finish(root, length)
  })
}

/** A part of a blob, for another time or not at all. */
async function half(tenant: string, blob: number, isForLater: boolean): Promise<void> {
  const { blocks, root } = BLOBS[blob]!
  const upload = await store.beginPut(tenant, { class: 'private', ...(isForLater && { root }) })
  for (const { id, bytes } of blocks.slice(0, blocks.length / 2)) await upload.write(id, bytes)
  await upload.suspend()
}

async function loose(text: string): Promise<void> {
  const { id, bytes } = block(text)
  await store.blocks.put(id, bytes)
  await store.blocks.delete(id)
}

async function collecting(): Promise<void> {
  for (;;) await unlessFull(() => store.gc())
}

async function scrubbing(): Promise<void> {
  for (;;) await unlessFull(() => store.scrub({ bytesPerSecond: 1e9 }))
}

/** A full disk is told of; what becomes of the store is as in a node, where it is opened anew once it has failed. */
async function unlessFull(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof BlobError) || error.code !== 'disk_full') throw error
    say({ is: 'full' })
    if (store.failure !== undefined) process.exit()
    await sleep(FULL_MS)
  }
}

async function step(of: Omit<Step, 'asked' | 'answered'>, run: () => Promise<unknown>): Promise<void> {
  const begun: Step = { ...of, asked: clockMs() }
  say(begun)
  await run()
  say({ ...begun, answered: clockMs() } satisfies Step)
}

function say(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}
