import assert from 'node:assert/strict'
import test from 'node:test'
import type { UploadOptions } from 'omnigate/protocols'
import { BlobWork } from './blob-work.ts'
import { MailboxWork } from './mailbox-work.ts'

const SEED = 7

test('messages that all come leave nothing to say', async () => {
  const work = new MailboxWork(SEED)
  const node = new Queue()

  const outcomes = await work.exchange(node)

  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['answered']))
  assert.deepEqual(await work.lost(node), [])
})

test('an acknowledged message that never comes is named', async () => {
  const work = new MailboxWork(SEED)
  const node = new Queue({ loses: 3 })

  await work.exchange(node)

  assert.deepEqual(await work.lost(node), ['message 3 was acknowledged and never came'])
})

test('an acknowledged message that comes with another byte is broken while the fault lasts, and wrong after it', async () => {
  const during = new MailboxWork(SEED)
  const after = new MailboxWork(SEED)
  const late = new Queue({ spoils: 2, isShut: true })

  const outcomes = await during.exchange(new Queue({ spoils: 2 }))
  await after.exchange(late)
  late.isShut = false

  assert.ok(outcomes.some(({ kind }) => kind === 'broken'))
  assert.match((await after.lost(late)).join(), /^a message of 8000 bytes that nobody sent so/)
})

test('blobs that are read as they were stored leave nothing to say, and nothing behind', async () => {
  const node = new Shelf()
  const work = await BlobWork.on(node, SEED)

  const outcomes = await work.exchange(node)

  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['answered']))
  assert.deepEqual([await work.lost(node), node.blobs.size], [[], 0])
})

test('an acknowledged blob that is gone, and one that is cut, are named', async () => {
  const node = new Shelf()
  const work = await BlobWork.on(node, SEED)
  await work.exchange(node)
  const [first, second] = [...node.blobs.keys()]
  node.blobs.delete(first!)
  node.blobs.set(second!, node.blobs.get(second!)!.subarray(1))

  const problems = await work.lost(node)

  assert.equal(problems.length, 2)
  assert.match(problems[0]!, /^blob b0: no such blob$/)
  assert.match(problems[1]!, /^blob b1: other bytes between 0/)
})

/** A mailbox in memory that hands out each message once; what it does wrong is asked for. */
class Queue {
  readonly #loses: number | undefined
  readonly #spoils: number | undefined
  readonly #waiting: Uint8Array[] = []
  #sent = 0
  /** Nothing comes out. */
  isShut: boolean

  constructor({ loses, spoils, isShut = false }: { loses?: number; spoils?: number; isShut?: boolean } = {}) {
    this.#loses = loses
    this.#spoils = spoils
    this.isShut = isShut
  }

  send({ body = new Uint8Array(0) }: { readonly body?: Uint8Array }) {
    const n = this.#sent++
    if (n !== this.#loses) this.#waiting.push(n === this.#spoils ? spoilt(body) : body)
    return Promise.resolve({ msg_id: `m${n}` })
  }

  async recv({ topic, max = 1 }: { readonly topic: string; readonly max?: number | undefined }) {
    await new Promise(resolve => setImmediate(resolve))
    const taken = this.isShut ? [] : this.#waiting.splice(0, max)
    const fields = { topic, priority: 4, sent_at: 0, expires_at: 0, attempt: 1, lease: 'l' }
    return { items: taken.map((body, n) => ({ ...fields, msg_id: `m${n}`, body })) }
  }

  ack() {
    return Promise.resolve({ results: [] })
  }
}

/** Blobs in memory. */
class Shelf {
  readonly blobs = new Map<string, Uint8Array>()
  #put = 0

  put(_request: object, { body = [] }: UploadOptions = {}) {
    const [bytes = new Uint8Array(0)] = body as Iterable<Uint8Array>
    const cid = `b${this.#put++}`
    this.blobs.set(cid, bytes)
    return Promise.resolve({ cid, len: bytes.length })
  }

  get({ cid }: { readonly cid: string }) {
    const bytes = this.blobs.get(cid)
    if (bytes === undefined) return Promise.reject(new Error('no such blob'))
    const head = { cid, offset: 0, length: bytes.length, total_len: bytes.length }
    return Promise.resolve({ head, body: oneOf(bytes) })
  }

  delete({ cid }: { readonly cid: string }) {
    this.blobs.delete(cid)
    return Promise.resolve({ cid })
  }
}

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function spoilt(body: Uint8Array): Uint8Array {
  const other = body.slice()
  other[100]! ^= 1
  return other
}
