import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { canonicalJson, hubPublicKey } from '../federation/index.ts'
import { readBoundedFile, syncFolder } from './durable-file.ts'
import { SetupError } from './setup-error.ts'

/** Under this name a data folder holds what its hub goes on with, until all of it is in its place. */
const PENDING = 'succession'
/** What a hub that has ended leaves, by its hub id. */
const ENDED = 'hubs-before'
const PLAN = 'plan.json'
const MAX_PLAN_BYTES = 512

/** Which hub ends, and the id of its audit log. */
export interface SuccessionPlan {
  readonly hub: string
  readonly logId: string
}

export const planFile = PLAN
export const formatPlan = ({ hub, logId }: SuccessionPlan): string =>
  `${canonicalJson({ hub, log_id: logId })}\n`

/** From here on the hub goes on under its successor: a prepared folder gets the name that `finishSuccession` looks for. */
export async function commitSuccession(folder: string, prepared: string): Promise<void> {
  await rename(prepared, join(folder, PENDING))
  await syncFolder(folder)
}

/**
 * Puts in its place what a succession has prepared, and what it replaces aside; goes on wherever a crash has ended it.
 * Does nothing where none is pending. Only for whoever holds the data folder's lock.
 * @throws SetupError `badInput` when the plan is damaged
 */
export async function finishSuccession(folder: string): Promise<void> {
  const pending = join(folder, PENDING)
  const path = join(pending, PLAN)
  if (!existsSync(pending)) return
  if (existsSync(path)) await moveAll(folder, pending, await readPlan(path))
  await rm(pending, { recursive: true, force: true })
  await syncFolder(folder)
}

async function moveAll(folder: string, pending: string, { hub, logId }: SuccessionPlan): Promise<void> {
  const log = join(folder, 'audit-before', logId)
  const places = [
    ['audit', log],
    ['capabilities', join(folder, ENDED, hub, 'capabilities')],
    ['keys', join(folder, ENDED, hub, 'keys')]
  ] as const
  for (const [name, aside] of places) {
    const [next, current] = [join(pending, name), join(folder, name)]
    if (!existsSync(next)) continue
    if (existsSync(current)) await move(current, aside)
    await move(next, current)
  }
  // Nothing goes on with that log.
  await rm(join(log, 'log.key'), { force: true })
}

async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  await syncFolder(dirname(to))
  await syncFolder(dirname(from))
}

async function readPlan(path: string): Promise<SuccessionPlan> {
  const text = await readBoundedFile(path, { maxBytes: MAX_PLAN_BYTES })
  const [, hub = '', logId = ''] =
    /^\{"hub":"(h1[a-z2-7]{52})","log_id":"([0-9a-f]{16})"\}\n$/.exec(text) ?? []
  if (hubPublicKey(hub) !== undefined) return { hub, logId }
  throw new SetupError('badInput', `${path}: damaged; restore the data folder from a backup`)
}
