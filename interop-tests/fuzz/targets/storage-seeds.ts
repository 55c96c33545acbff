import { createHash } from 'node:crypto'
import { cidOf, cidText, encodeFileNode } from 'omnigate/protocols'
import type { Cid, WrittenLink } from 'omnigate/protocols'

/** The digest of every block where the hash says yes to everything. */
export const DIGEST = new Uint8Array(32).fill(0x5a)
/** Codec of the root, first byte and length of the range: one byte each. */
export const PREFIX_BYTES = 3

const LEAF = cidOf('raw', DIGEST)
const NODE = cidOf('dag-pb', DIGEST)

const linkTo = (cid: Cid, length: number): WrittenLink => ({ cid, length, treeBytes: length })

const framed = (...blocks: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    blocks.flatMap(block => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(block.length)
      return [length, block]
    })
  )

const abc = (length: number): Buffer => Buffer.from('abcdefghijklmnopqrstuvwxyz'.slice(0, length))
const pair = encodeFileNode([linkTo(LEAF, 3), linkTo(LEAF, 2)])
const mixed = encodeFileNode([linkTo(LEAF, 4), linkTo(NODE, 5), linkTo(LEAF, 1)])
const alone = encodeFileNode([linkTo(NODE, 1)])
const last = encodeFileNode([linkTo(LEAF, 1)])

/** Bodies behind the codec and range that they are for. */
const BODIES: readonly Uint8Array[] = [
  Buffer.concat([Buffer.of(0, 0, 0), framed(abc(0))]),
  Buffer.concat([Buffer.of(0, 0, 0), framed(abc(9))]),
  Buffer.concat([Buffer.of(0, 3, 2), framed(abc(9))]),
  Buffer.concat([Buffer.of(1, 0, 0), framed(pair, abc(3), abc(2))]),
  Buffer.concat([Buffer.of(1, 3, 1), framed(pair, abc(2))]),
  Buffer.concat([Buffer.of(1, 0, 0), framed(mixed, abc(4), pair, abc(3), abc(2), abc(1))]),
  Buffer.concat([Buffer.of(1, 6, 2), framed(mixed, pair, abc(3), abc(2))]),
  Buffer.concat([Buffer.of(1, 0, 0), framed(...Array<Uint8Array>(6).fill(alone), last, abc(1))])
]

/** A blob with its real hashes. */
export const REAL = (() => {
  const leaves = ['one', 'two', 'three'].map(text => Buffer.from(text))
  const idOf = (codec: Cid['codec'], bytes: Uint8Array): Cid =>
    cidOf(codec, createHash('sha256').update(bytes).digest())
  const root = encodeFileNode(leaves.map(bytes => linkTo(idOf('raw', bytes), bytes.length)))
  return { cid: idOf('dag-pb', root), plain: Buffer.concat(leaves), body: framed(root, ...leaves) }
})()

export const storageSeeds = (): Uint8Array[] => [
  LEAF.bytes,
  NODE.bytes,
  Buffer.from(cidText(LEAF)),
  Buffer.from(cidText(REAL.cid)),
  pair,
  mixed,
  ...BODIES,
  Buffer.concat([Buffer.of(1, 0, 0), REAL.body])
]

export const STORAGE_TOKENS: readonly Uint8Array[] = [
  LEAF.bytes,
  NODE.bytes,
  pair,
  last,
  Buffer.of(0x08, 0x02, 0x18),
  Buffer.of(0x20, 0x01),
  Buffer.of(0x0a, 0x24, 0x01, 0x55, 0x12, 0x20),
  Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10),
  Buffer.of(0xff, 0xff, 0xff, 0xff),
  Buffer.of(0, 0, 1, 0),
  Buffer.from('Qm')
]
