import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'

export const RAW = 0x55
export const PB = 0x70

export const hex = bytes => Buffer.from(bytes).toString('hex')

/** The first bytes of a sequence that specs/vectors/README.md describes. */
export function counted(length) {
  const out = new Uint8Array(length)
  let state = 1
  for (let n = 0; n < length; n++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    out[n] = state >>> 16
  }
  return out
}

/** Blocks by their content ids, with what other implementations make of bytes. */
export class Store {
  blocks = new Map()
  has(cid) {
    return this.blocks.has(cid.toString())
  }
  get(cid) {
    const bytes = this.blocks.get(cid.toString())
    if (bytes === undefined) throw new Error(`no ${cid}`)
    return bytes
  }
  put(cid, bytes) {
    this.blocks.set(cid.toString(), bytes)
    return cid
  }
  async add(content, leaf, links) {
    const options = {
      cidVersion: 1,
      rawLeaves: true,
      chunker: fixedSize({ chunkSize: leaf }),
      layout: balanced({ maxChildrenPerNode: links }),
      reduceSingleLeafToSelf: true,
      wrapWithDirectory: false
    }
    let root
    for await (const entry of importer([{ content: [content] }], this, options)) root = entry.cid
    return root
  }
  async raw(bytes) {
    return this.put(await idOf(RAW, bytes), bytes)
  }
  /** Links under empty names, with data as it is given. */
  async node(data, ...children) {
    const bytes = dagPb.encode({ Data: data, Links: children.map(Hash => ({ Hash, Name: '', Tsize: 1 })) })
    return this.put(await idOf(PB, bytes), bytes)
  }
  async chain(levels) {
    let cid = await this.raw(Buffer.from('x'))
    for (let level = 1; level < levels; level++) cid = await this.node(fileOf(1, 1), cid)
    return cid
  }
  length(cid) {
    const bytes = this.get(cid)
    return cid.code === RAW ? bytes.length : Number(UnixFS.unmarshal(dagPb.decode(bytes).Data).fileSize())
  }
  /** The blocks that a range touches, in order. */
  walk(cid, from = 0, to = Infinity, start = 0) {
    const bytes = this.get(cid)
    const blocks = [bytes]
    if (cid.code === RAW) return blocks
    const { Data, Links } = dagPb.decode(bytes)
    const sizes = UnixFS.unmarshal(Data).blockSizes.map(Number)
    let at = start
    Links.forEach((link, n) => {
      const next = at + sizes[n]
      if (next > from && at < to) blocks.push(...this.walk(link.Hash, from, to, at))
      at = next
    })
    return blocks
  }
  /** How many blocks, each as often as it occurs, without holding them. */
  count(cid) {
    if (cid.code === RAW) return 1
    return dagPb.decode(this.get(cid)).Links.reduce((sum, { Hash }) => sum + this.count(Hash), 1)
  }
}

export const idOf = async (codec, bytes) => CID.createV1(codec, await sha256.digest(bytes))
export const prefix = length => {
  const b = Buffer.alloc(4)
  b.writeUInt32LE(length)
  return b
}
export const framed = blocks => Buffer.concat(blocks.flatMap(block => [prefix(block.length), block]))
export const varint = value => {
  const out = []
  let rest = BigInt(value)
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  return Buffer.from([...out, Number(rest)])
}
/** The data of a file whose children have these lengths. */
export const fileOf = (size, ...sizes) =>
  Buffer.concat([
    Buffer.of(0x08, 2, 0x18),
    varint(size),
    ...sizes.flatMap(each => [Buffer.of(0x20), varint(each)])
  ])

/** A bytes expression in which long runs of one byte are repeated. */
export function short(bytes) {
  const parts = []
  let plain = []
  const flush = () => {
    if (plain.length > 0) parts.push(hex(Buffer.from(plain)))
    plain = []
  }
  for (let at = 0; at < bytes.length;) {
    let run = at
    while (run < bytes.length && bytes[run] === bytes[at]) run++
    if (run - at > 64) {
      flush()
      parts.push({ repeat: { hex: hex(bytes.subarray(at, at + 1)), count: run - at } })
    } else for (let n = at; n < run; n++) plain.push(bytes[n])
    at = run
  }
  flush()
  return parts.length === 0 ? '' : parts.length === 1 ? parts[0] : parts
}
