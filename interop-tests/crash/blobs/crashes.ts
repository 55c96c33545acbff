import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Child } from '../../child.ts'
import { diskShim, recorded } from '../disk-shim.ts'
import { readTrace } from '../disk-trace.ts'
import { clockMs } from '../history.ts'
import type { Random } from '../load.ts'
import { CutDisk } from '../power-cut.ts'
import { knownBy, startingFrom } from './history.ts'
import type { Step, Violation } from './history.ts'
import { verify } from './verify.ts'

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
const LONGEST_LIFE_MS = 800
/** So long a disk may take to get full, or a little work, on a machine that is slow. */
const PATIENCE_MS = 60_000
const LOOK_MS = 20
/** Lines of a life whose power is cut: one where a step begins, one where it is answered. */
const LEAST_LINES = 60
const FULL = JSON.stringify({ is: 'full' })

export interface BlobVerdict {
  readonly crashes: number
  /** Of puts and deletes, those that were answered. */
  readonly steps: number
  readonly violations: readonly Violation[]
}

export interface BlobCrashOptions {
  readonly random: Random
  /** For a store that is broken on purpose. */
  readonly breakage?: string
  readonly told?: (text: string) => void
}

/** `kill -9` of a process that puts, deletes and collects, again and again at random moments, on one store. */
export async function killBlobs(
  { random, breakage, told }: BlobCrashOptions,
  kills: number
): Promise<BlobVerdict> {
  return await inFolder('omnigate-blob-kills-', async folder => {
    const data = join(folder, 'blobs')
    const violations: Violation[] = []
    let known: readonly Step[] = []
    let answered = 0
    for (let kill = 0; kill < kills; kill++) {
      const steps = await life(data, { random, breakage, lifeMs: random() * LONGEST_LIFE_MS })
      answered += answeredOf(steps)
      const { found, violations: some } = await verify(data, [...known, ...steps])
      violations.push(...some)
      known = startingFrom(found)
      told?.(`${kill + 1} of ${kills} kills, ${answered} steps, ${found.length} blobs`)
    }
    return { crashes: kills, steps: answered, violations }
  })
}

/** Cuts the power of a recorded life at some moments, and looks at what the disk may then have had. */
export async function cutBlobPower(
  { random, breakage, told }: BlobCrashOptions,
  { cuts, workMs }: { readonly cuts: number; readonly workMs: number }
): Promise<BlobVerdict> {
  return await inFolder('omnigate-blob-cuts-', async folder => {
    const data = join(folder, 'blobs')
    const trace = join(folder, 'trace')
    const env = recorded(await diskShim(), { root: folder, trace })
    const born = clockMs()
    const steps = await life(data, { random, breakage, lifeMs: workMs, env, leastLines: LEAST_LINES })
    const disk = readTrace(trace)
    const first = Math.max(
      0,
      disk.findIndex(({ atMs }) => atMs >= (steps[0]?.asked ?? born))
    )
    const violations: Violation[] = []
    for (let cut = 0; cut < cuts; cut++) {
      const end = first + Math.floor(random() * (disk.length - first))
      const rebuilt = join(folder, `cut-${cut}`)
      new CutDisk(disk, end).write(folder, rebuilt, random)
      const { violations: some } = await verify(join(rebuilt, 'blobs'), knownBy(steps, disk[end]!.atMs))
      violations.push(...some)
      await rm(rebuilt, { recursive: true })
      told?.(`${cut + 1} of ${cuts} cuts, at step ${end} of ${disk.length}`)
    }
    return { crashes: cuts, steps: answeredOf(steps), violations }
  })
}

/** A process works until its disk is full, and then on until it is killed, or its store has failed; the next one has room. */
export async function fillBlobDisk(
  { random, told }: BlobCrashOptions,
  { room, workMs }: { readonly room: number; readonly workMs: number }
): Promise<BlobVerdict & { readonly full: number }> {
  return await inFolder('omnigate-blob-full-', async folder => {
    const data = join(folder, 'blobs')
    const first = await life(data, { random, breakage: '', lifeMs: workMs / 4 })
    const env = recorded(await diskShim(), { root: folder, trace: join(folder, 'trace'), room })
    const { found } = await verify(data, first)
    let full = 0
    const onFull = (): void => void full++
    const second = await life(data, { random, breakage: '', lifeMs: workMs, env, onFull })
    const { violations } = await verify(data, [...startingFrom(found), ...second])
    told?.(`a full disk told of ${full} times, ${second.length} steps`)
    return { crashes: 1, steps: answeredOf(second), violations, full }
  })
}

const answeredOf = (steps: readonly Step[]): number =>
  steps.filter(step => step.answered !== undefined).length

interface Life {
  readonly random: Random
  readonly breakage: string | undefined
  readonly lifeMs: number
  readonly env?: Readonly<Record<string, string>>
  readonly leastLines?: number
  /** For a disk that gets full: its life begins to count then. */
  readonly onFull?: () => void
}

/** What one process asked for and was answered, until it was killed. */
async function life(
  data: string,
  { random, breakage = '', lifeMs, leastLines = 0, env, onFull }: Life
): Promise<readonly Step[]> {
  const seed = String(Math.floor(random() * 2 ** 30))
  const child = new Child(process.execPath, [WORKER, data, seed, breakage], env)
  try {
    await child.firstJson()
    if (onFull !== undefined) await until(() => child.stdout.includes(FULL))
    await sleep(lifeMs)
    await until(() => child.stdout.length >= leastLines)
  } finally {
    await child[Symbol.asyncDispose]()
  }
  const { stdout, stderr } = await child.ended()
  if (stderr !== '') throw new Error(`the worker said: ${stderr}`)
  return stepsOf(stdout.slice(1), onFull)
}

async function until(isSo: () => boolean): Promise<void> {
  const end = clockMs() + PATIENCE_MS
  while (!isSo() && clockMs() < end) await sleep(LOOK_MS)
}

function stepsOf(lines: readonly string[], onFull: () => void = () => undefined): readonly Step[] {
  const steps = new Map<string, Step>()
  for (const line of lines) {
    // The last line may be cut off: its step was not told of.
    if (!line.endsWith('}')) continue
    const step = JSON.parse(line) as Step | { readonly is: 'full' }
    if (step.is === 'full') onFull()
    else steps.set(`${step.tenant} ${step.asked}`, step)
  }
  return [...steps.values()]
}

async function inFolder<T>(prefix: string, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  try {
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
