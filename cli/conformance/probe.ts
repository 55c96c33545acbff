import type { Connection } from '@libp2p/interface'
import { echoService, federationService, mailboxService, storageService } from '../../protocols/index.ts'
import { vectorFrame } from '../../specs/index.ts'
import type { DecodedFrame } from '../../specs/index.ts'
import { carrying } from './carried.ts'
import { ExpectationFailure } from './expectation-failure.ts'
import { leafId } from './storage-cases.ts'
import { Wire, describe, whatCame } from './wire.ts'

const WITHIN_MS = 5000
const HELLO_CORR = '0000000000000001'
/** One more than the calls that a stranger may have open. */
const CALLS = 5

/** What decides which cases apply to a node. */
export interface Facts {
  /** HELLO lists COMP. */
  readonly zstd: boolean
  /** More calls are open at once than a stranger may have. */
  readonly known: boolean
  /** A call of echo needs a capability. */
  readonly guarded: boolean
  /** The mailbox is served, and this caller may use it. */
  readonly mailbox: boolean
  /** Storage is served, and this caller may use it. */
  readonly storage: boolean
  /** HELLO lists the app by which hubs prove themselves. */
  readonly federates: boolean
}

/** Asks the node on a few connections. @throws ExpectationFailure when it answers no HELLO. */
export async function probe(dial: () => Promise<Connection>, cap?: Uint8Array): Promise<Facts> {
  return {
    zstd: await onConnection(dial, listsCompression),
    known: await onConnection(dial, wire => isKnown(wire, cap)),
    guarded: await onConnection(dial, isGuarded),
    mailbox: await onConnection(dial, wire => hasMailbox(wire, cap)),
    storage: await onConnection(dial, wire => hasStorage(wire, cap)),
    federates: await onConnection(dial, wire => serves(wire, federationService.app))
  }
}

async function onConnection<T>(dial: () => Promise<Connection>, ask: (wire: Wire) => Promise<T>): Promise<T> {
  const connection = await dial()
  try {
    return await ask(await Wire.open(connection))
  } finally {
    connection.abort(new Error('the probe is over'))
  }
}

const listsCompression = async (wire: Wire): Promise<boolean> =>
  (await helloAnswer(wire)).payload.includes('"COMP"')

async function helloAnswer(wire: Wire): Promise<DecodedFrame> {
  await wire.write(vectorFrame({ flags: ['REQ', 'START', 'END'], app: 0, corr_id: HELLO_CORR }))
  const answer = await wire.take(({ corr_id }) => corr_id === HELLO_CORR, WITHIN_MS)
  if (answer === undefined) throw new ExpectationFailure('an answer to HELLO', whatCame(wire, WITHIN_MS))
  if (answer.code !== 0) throw new ExpectationFailure('an answer to HELLO', describe(answer))
  return answer
}

async function isKnown(wire: Wire, cap: Uint8Array | undefined): Promise<boolean> {
  const payload = { utf8: '{"op":"stream"}' }
  for (let n = 1; n <= CALLS; n++) {
    const corr_id = n.toString(16).padStart(16, '0')
    await wire.write(carrying(vectorFrame({ flags: ['REQ', 'START'], app: 1, corr_id, payload }), cap))
  }
  return (await echoAnswer(wire, cap)).code !== 429
}

const isGuarded = async (wire: Wire): Promise<boolean> => (await echoAnswer(wire)).code === 401

/** Whoever may send and receive may do what the cases do. */
async function hasMailbox(wire: Wire, cap: Uint8Array | undefined): Promise<boolean> {
  const { app } = mailboxService
  if (!(await serves(wire, app))) return false
  const topic = 'conformance/probe'
  for (const asked of [
    { op: 'send', topic, ttl_s: 1 },
    { op: 'recv', topic, ack: 'auto' }
  ]) {
    const answer = await answerTo(wire, app, asked, cap)
    if (answer.code !== 0) return false
  }
  return true
}

/** The same of whoever may put, see what is stored, pin and delete. */
async function hasStorage(wire: Wire, cap: Uint8Array | undefined): Promise<boolean> {
  const { app } = storageService
  if (!(await serves(wire, app))) return false
  const cid = leafId(Buffer.alloc(0))
  for (const asked of [
    { op: 'put', ttl_s: 1 },
    { op: 'stat', cid },
    { op: 'unpin', cid },
    { op: 'delete', cid }
  ]) {
    const answer = await answerTo(wire, app, asked, cap)
    if (answer.code !== 0) return false
  }
  return true
}

async function serves(wire: Wire, app: number): Promise<boolean> {
  const { apps } = JSON.parse((await helloAnswer(wire)).payload.toString()) as { apps?: readonly number[] }
  return apps?.includes(app) === true
}

const echoAnswer = (wire: Wire, cap?: Uint8Array): Promise<DecodedFrame> =>
  answerTo(wire, echoService.app, { op: 'echo' }, cap)

async function answerTo(wire: Wire, app: number, header: object, cap?: Uint8Array): Promise<DecodedFrame> {
  const payload = { record: { header: { utf8: JSON.stringify(header) } } }
  const corr_id = 'ffffffffffffffff'
  await wire.write(carrying(vectorFrame({ flags: ['REQ', 'START', 'END'], app, corr_id, payload }), cap))
  const answer = await wire.take(frame => frame.corr_id === corr_id, WITHIN_MS)
  if (answer === undefined) throw new ExpectationFailure('an answer', whatCame(wire, WITHIN_MS))
  return answer
}
