import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { secretIn } from '../chat/secret.ts'
import type { Secret } from '../chat/secret.ts'
import { islandTile } from '../tile-server/island.ts'
import { filesBelow, search } from './canary.ts'
import type { Hub } from 'omnigate/sdk'
import { startCast } from './cast.ts'
import type { Cast } from './cast.ts'
import { pullTile, pullTiles } from './pull-tiles.ts'
import { storm, stormText } from './storm.ts'
import type { Storm } from './storm.ts'
import { TOPICS, talk } from './talk.ts'
import { Times } from './times.ts'

const ZOOM = 3
const ROUNDS = 4
const MESSAGES = 50
const STORM_CALLS = 2000
const DEADLINE_MS = 5000
/** How much later than its deadline a call may end, beside what this process itself was held up. */
const GRACE_MS = 250
/** Nobody receives from it: what was sent there is stored at the end. */
const KEPT_TOPIC = 'vest/kept'

const CANARY = `canary-${randomBytes(12).toString('hex')}`
/** Sent without a seal, so that the search has something to find. */
const CONTROL = `control-${randomBytes(12).toString('hex')}`

const problems: string[] = []
const holds = (is: boolean, what: string): void => {
  if (!is) problems.push(what)
}
const says = (name: string, text: string): void => console.log(`${name.padEnd(8)} ${text}`)

const top = await mkdtemp(join(tmpdir(), 'omnigate-vest-'))
const places = { data: join(top, 'hub'), tiles: join(top, 'tiles'), logFile: join(top, 'log') }
try {
  const paths = await makeTiles()
  await writeFile(join(top, 'key'), randomBytes(32).toString('hex'))
  const secret = await secretIn(join(top, 'key'))
  const cast = await startCast(places)
  let metrics = ''
  try {
    await tilesAreRight(cast, paths)
    await twoTalk(cast, secret)
    await stormIsAnswered(cast, secret)
    metrics = await (await fetch(`${cast.http}/metrics`)).text()
  } finally {
    await cast.stop()
  }
  await nothingLeaked(metrics)
} finally {
  await rm(top, { recursive: true, force: true })
}
for (const problem of problems) console.error(`failed   ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1

async function makeTiles(): Promise<string[]> {
  const paths = []
  for (let x = 0; x < 2 ** ZOOM; x++)
    for (let y = 0; y < 2 ** ZOOM; y++) {
      const path = `/${ZOOM}/${x}/${y}.png`
      const file = join(places.tiles, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, islandTile(ZOOM, x, y))
      paths.push(path)
    }
  return paths
}

async function tilesAreRight(cast: Cast, paths: readonly string[]): Promise<void> {
  await using hub = await cast.client('tiles')
  const asked = Array.from({ length: ROUNDS }, () => paths).flat()
  const begun = performance.now()
  const { times, right, bytes } = await pullTiles(hub, places.tiles, asked)
  const now = performance.now()
  const mib = (bytes / 1_048_576 / ((now - begun) / 1000)).toFixed(2)
  says('tiles', `${right} of ${asked.length} right, ${times.text('tiles', now)}, ${mib} MiB/s`)
  holds(right === asked.length, 'a tile is not what its file is')
  const refusal = await pullTile(hub, '/../log').catch((error: { status?: number }) => error.status)
  holds(refusal === 403, 'a path that leaves the folder is not refused with 403')
}

async function twoTalk(cast: Cast, secret: Secret): Promise<void> {
  await using alice = await cast.client('alice')
  await using bob = await cast.client('bob')
  await alice.mailbox.send(KEPT_TOPIC, await secret.seal(CANARY), { e2e: true })
  await alice.mailbox.send(KEPT_TOPIC, CONTROL)
  const texts = (who: string): string[] =>
    Array.from({ length: MESSAGES }, (_, n) => `${who} ${n}: ${CANARY}`)
  const times = new Times(performance.now())
  const opened = await Promise.all([
    talk({ from: alice, to: bob, topic: TOPICS.bob, secret }, texts('alice'), times),
    talk({ from: bob, to: alice, topic: TOPICS.alice, secret }, texts('bob'), times)
  ])
  const count = opened[0]! + opened[1]!
  says(
    'chat',
    `${count} of ${2 * MESSAGES} opened by the other, ${times.text('messages', performance.now())}`
  )
}

async function stormIsAnswered(cast: Cast, secret: Secret): Promise<void> {
  const heldUp = monitorEventLoopDelay()
  heldUp.enable()
  const storms = await callsAtOnce(cast, await secret.seal(CANARY))
  for (const [name, each] of Object.entries(storms)) {
    says(name, stormText(each))
    holds(each.refused.size > 0, `${name} saw neither 429 nor 503`)
    holds(each.waitMs[0] >= 1000 && each.waitMs[1] <= 5000, `${name} was told no time between 1 and 5 s`)
    holds(each.others.size === 0, `${name}: a call ended in another way`)
  }
  heldUp.disable()
  const all = Object.values(storms)
  const longest = Math.max(...all.map(({ times }) => times.longestMs))
  says('deadline', `${DEADLINE_MS} ms; the longest call took ${longest.toFixed(0)} ms`)
  holds(longest <= DEADLINE_MS + GRACE_MS + heldUp.max / 1e6, 'a call went on beyond its deadline')
  await pause(Math.max(...all.map(({ waitMs }) => waitMs[1])))
  await workGoesOn(cast, storms)
}

/** Of each client with all its calls at once, none of them repeated. */
async function callsAtOnce(
  cast: Cast,
  sealed: Uint8Array
): Promise<Record<'tiles' | 'alice' | 'bob', Storm>> {
  const calling = { retry: { attempts: 1 }, deadlineMs: DEADLINE_MS }
  await using hub = await cast.client('tiles', calling)
  await using alice = await cast.client('alice', calling)
  await using bob = await cast.client('bob', calling)
  const [tiles, byAlice, byBob] = await Promise.all([
    storm(STORM_CALLS, () => pullTile(hub, `/${ZOOM}/0/0.png`, { deadlineMs: DEADLINE_MS })),
    storm(STORM_CALLS, () => alice.mailbox.send(TOPICS.bob, sealed, { e2e: true })),
    storm(STORM_CALLS, () => bob.mailbox.send(TOPICS.alice, sealed, { e2e: true }))
  ])
  return { tiles, alice: byAlice, bob: byBob }
}

async function workGoesOn(cast: Cast, storms: Readonly<Record<'alice' | 'bob', Storm>>): Promise<void> {
  await using hub = await cast.client('tiles')
  await using alice = await cast.client('alice')
  await using bob = await cast.client('bob')
  await pullTile(hub, `/${ZOOM}/0/0.png`)
  const came = (await drained(alice, TOPICS.alice)) + (await drained(bob, TOPICS.bob))
  const accepted = storms.alice.answered + storms.bob.answered
  says('after', `a tile came, and ${came} messages, of the ${accepted} that were accepted in the storm`)
  holds(came >= accepted, 'a message that was accepted in the storm did not come')
}

/** How many messages a topic has; they are taken and acknowledged. */
async function drained({ mailbox }: Hub, topic: string): Promise<number> {
  let count = 0
  for (;;) {
    const deliveries = await mailbox.recv(topic, { max: 256, ack: 'auto' })
    if (deliveries.length === 0) return count
    count += deliveries.length
  }
}

/** The node has ended, and written all that it writes. */
async function nothingLeaked(metrics: string): Promise<void> {
  const files = await filesBelow(places.data)
  const log = { name: 'log', bytes: await readFile(places.logFile) }
  const told = { name: 'metrics', bytes: Buffer.from(metrics) }
  const { places: count, bytes, found } = search(CANARY, [...files, log, told])
  const audit = files.filter(({ name }) => name.startsWith(join(places.data, 'audit')))
  const control = search(CONTROL, files).found.length
  const where = found.length === 0 ? 'nowhere' : found.join(', ')
  says('canary', `found ${where} in ${count} files, ${bytes} bytes: data folder, audit log, log, metrics`)
  says('control', `what was sent without a seal is found in ${control} files`)
  holds(found.length === 0, 'the plaintext of a sealed message was found')
  holds(control > 0, 'the search does not find what is there')
  holds(
    search(CONTROL, [log, told, ...audit]).found.length === 0,
    'a body is in the log, the metrics or the audit log'
  )
  holds(log.bytes.length > 0 && metrics.includes('vest') && audit.length > 0, 'there was nothing to search')
}
