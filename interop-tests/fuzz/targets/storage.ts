import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  cidOf,
  cidText,
  dagVerifier,
  dagWalk,
  decodeFileNode,
  encodeFileNode,
  framedBlocks,
  isContentFault,
  isProviderFault,
  parseCid
} from 'omnigate/protocols'
import type { ByteRange, Cid, DagVerifier, OapError, Sha256, VerifiedBlock } from 'omnigate/protocols'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { attempt } from './oap-errors.ts'
import { DIGEST, PREFIX_BYTES, REAL, STORAGE_TOKENS, storageSeeds } from './storage-seeds.ts'

const CID_REFUSALS = ['bad_cid', 'unsupported_cid']
const NODE_REFUSALS = ['bad_node', 'bad_lengths']
const STEPS = [1, 7, 4096]

/** A hash that every block has: what is judged then is the form of what comes. */
const yes = (): Sha256 => ({ update: () => undefined, digest: () => DIGEST })
const sha256 = (): Sha256 => createHash('sha256')

/** A CID has one binary and one text form. */
function checkCid(input: Uint8Array): void {
  for (const from of [input, Buffer.from(input).toString('latin1')]) {
    const read = attempt(() => parseCid(from))
    if ('refused' in read) assert.ok(CID_REFUSALS.includes(read.refused.code), read.refused.code)
    else if (typeof from === 'string') assert.equal(cidText(read.value), from, 'two texts of one CID')
    else assert.equal(cidText(parseCid(cidText(read.value))), cidText(read.value))
  }
}

/** A node that is taken adds up, and is the same when it is written and read again. */
function checkNode(input: Uint8Array): void {
  const read = attempt(() => decodeFileNode(input))
  if ('refused' in read) return assert.ok(NODE_REFUSALS.includes(read.refused.code), read.refused.code)
  const { length, links } = read.value
  assert.equal(
    links.reduce((sum, link) => sum + link.length, 0),
    length
  )
  assert.ok(links.length >= 1 && links.length <= 1024 && links.every(link => link.length >= 1))
  const again = decodeFileNode(encodeFileNode(links.map(link => ({ ...link, treeBytes: link.length }))))
  assert.deepEqual(again, read.value)
}

const isFaultOfBody = (error: OapError): boolean =>
  isProviderFault(error) || isContentFault(error) || error.code === 'bad_range'

interface Outcome {
  readonly code: string | undefined
  readonly offset: number
  readonly plain: Buffer
  readonly blocks: readonly VerifiedBlock[]
  readonly total: number | undefined
}

function outcome(verifier: DagVerifier, body: Uint8Array, step: number): Outcome {
  const blocks: VerifiedBlock[] = []
  const done = attempt(() => {
    for (let at = 0; at < body.length; at += step) blocks.push(...verifier.push(body.subarray(at, at + step)))
    verifier.end()
  })
  blocks.push(...verifier.takeProved())
  const fault = 'refused' in done ? done.refused : undefined
  if (fault !== undefined) assert.ok(isFaultOfBody(fault), fault.code)
  const plain = Buffer.concat(blocks.flatMap(block => [...block.plain]))
  const { offset, totalLength: total } = verifier
  return { code: fault?.code, offset, plain, blocks, total }
}

/** However a body is cut, the same comes out of it; what comes out is in order and within the range. */
function checkBody(cid: Cid, range: ByteRange, body: Uint8Array, hash: () => Sha256): Outcome {
  const whole = outcome(dagVerifier({ cid, ...range, sha256: hash }), body, Infinity)
  const { offset: from = 0, length: asked = Infinity } = range
  let at = from
  for (const { offset, plain } of whole.blocks) {
    if (plain.length > 0) assert.equal(offset, at)
    for (const bytes of plain) at += bytes.length
  }
  assert.equal(whole.offset, at)
  assert.ok(at - from <= asked && (whole.total === undefined || at <= Math.max(from, whole.total)))
  for (const step of STEPS) {
    const cut = outcome(dagVerifier({ cid, ...range, sha256: hash }), body, step)
    assert.deepEqual([cut.code, cut.offset, cut.total], [whole.code, whole.offset, whole.total])
    assert.ok(cut.plain.equals(whole.plain), `another content in pieces of ${step}`)
  }
  return whole
}

/** What is taken is what we would send for its blocks. */
async function checkWalk(cid: Cid, range: ByteRange, body: Uint8Array, taken: Outcome): Promise<void> {
  const left = taken.blocks.map(({ block }) => Buffer.concat(block))
  const sent: Uint8Array[] = []
  for await (const chunk of framedBlocks(dagWalk({ cid, ...range, blocks: () => left.shift() }), 100))
    sent.push(chunk)
  assert.ok(Buffer.concat(sent).equals(body), 'what is taken is not what is sent')
}

/** Whatever a provider sends for a real blob, nothing but its own bytes comes out, from the front. */
function checkLies(body: Uint8Array): void {
  const { code, plain } = checkBody(REAL.cid, {}, body, sha256)
  assert.ok(REAL.plain.subarray(0, plain.length).equals(plain), 'another content has the hash')
  if (code === undefined) assert.ok(REAL.body.equals(body))
}

async function run(input: Uint8Array): Promise<void> {
  checkCid(input)
  checkNode(input)
  if (input.length < PREFIX_BYTES) return
  const [codec, offset = 0, length = 0] = input
  const cid = cidOf(codec === 0 ? 'raw' : 'dag-pb', DIGEST)
  const range = { offset, length: length === 0 ? undefined : length }
  const body = input.subarray(PREFIX_BYTES)
  const taken = checkBody(cid, range, body, yes)
  if (taken.code === undefined) await checkWalk(cid, range, body, taken)
  checkLies(body)
}

export const storage: Target = {
  name: 'storage',
  about:
    'content ids, nodes of blobs, and bodies of blobs: cut anywhere, judged by form alone, and against a real hash',
  maxBytes: 4096,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: STORAGE_TOKENS,
  seeds: storageSeeds,
  run
}
