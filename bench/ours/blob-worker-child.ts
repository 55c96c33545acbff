import { createHash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { cidOf, cidText, storageService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { answerParent } from '../harness/answering.ts'
import { blobPieces } from '../harness/blob-contender.ts'
import { NotedCosts, type Costs } from '../harness/costs.ts'

// A client that fills a node with blobs, works on it while there stay as many, or puts and gets one large blob.

const [address, cap, pid] = process.argv.slice(2) as [string, string, string]
const SESSIONS = 4
const IN_FLIGHT = 64
const SMALL_BYTES = 1024
const CYCLE = 256
const LOOKS = 64
const PAGE = 32

const connections = await Promise.all(Array.from({ length: SESSIONS }, () => connect(address, { cap })))
const clients = connections.map(connection => connection.client(storageService))
const [first] = clients as [(typeof clients)[number]]
let stored = 0

/** The small blob of a number: all of them differ. */
function contentOf(n: number): Buffer {
  const bytes = Buffer.alloc(SMALL_BYTES, n & 255)
  bytes.writeUInt32LE(n)
  return bytes
}

const cidFor = (n: number): string =>
  cidText(cidOf('raw', createHash('sha256').update(contentOf(n)).digest()))

/** Resolves once as many blobs are stored. */
async function fill({ blobs }: { blobs: number }): Promise<number> {
  const numbers = Array.from({ length: blobs - stored }, (_, i) => stored + i).values()
  const lane = async (client: (typeof clients)[number]): Promise<void> => {
    for (const n of numbers) await client.put({}, { body: [contentOf(n)] })
  }
  await Promise.all(clients.flatMap(client => Array.from({ length: IN_FLIGHT / 2 }, () => lane(client))))
  stored = blobs
  return (await first.stat({})).blobs
}

/** Works until `forMs` have passed, in whole cycles that leave as many blobs as there were. */
async function cycles({ forMs }: { forMs: number }): Promise<Costs> {
  const costs = new NotedCosts(Number(pid))
  const until = performance.now() + forMs
  do {
    const fresh = Array.from({ length: CYCLE }, (_, i) => stored + i)
    const old = fresh.map(() => Math.floor(Math.random() * stored))
    await costs.noted('put', CYCLE, () => atOnce(fresh, n => first.put({}, { body: [contentOf(n)] })))
    await costs.noted('get', CYCLE, () => atOnce(old, n => whole(n)))
    await costs.noted('has', LOOKS, () => inTurn(() => first.has({ cids: old.slice(0, PAGE).map(cidFor) })))
    await costs.noted('list', LOOKS, () => inTurn(n => first.list({ after: cidFor(old[n]!), max: PAGE })))
    await costs.noted('stat', LOOKS, () => inTurn(n => first.stat({ cid: cidFor(old[n]!) })))
    await costs.noted('delete', CYCLE, () => atOnce(fresh, n => first.delete({ cid: cidFor(n) })))
  } while (performance.now() < until)
  return costs.all
}

async function atOnce(numbers: readonly number[], work: (n: number) => Promise<unknown>): Promise<void> {
  const left = numbers.values()
  const lane = async (): Promise<void> => {
    for (const n of left) await work(n)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT / 2 }, lane))
}

async function inTurn(work: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < LOOKS; n++) await work(n)
}

async function whole(n: number): Promise<void> {
  const { body } = await first.get({ cid: cidFor(n), form: 'raw' })
  let came = 0
  for await (const piece of body) came += piece.length
  if (came !== SMALL_BYTES) throw new Error(`${came} bytes came instead of ${SMALL_BYTES}`)
}

/** Puts a blob of so many bytes, and yields its content id. */
async function put({ bytes }: { bytes: number }): Promise<string> {
  const { cid } = await first.put({}, { body: blobPieces(bytes), deadlineMs: LARGE_MS })
  return cid
}

/** Gets a blob whole, and yields how many bytes came. */
async function get({ cid }: { cid: string }): Promise<number> {
  const { body } = await first.get({ cid, form: 'raw' }, { deadlineMs: LARGE_MS })
  let came = 0
  for await (const piece of body) came += piece.length
  return came
}

const LARGE_MS = 3_600_000

answerParent({ ready: () => true, fill, cycles, put, get }, () =>
  Promise.all(connections.map(connection => connection.close()))
)
