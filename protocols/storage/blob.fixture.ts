import { createHash } from 'node:crypto'
import { cidOf, cidText } from './cid.ts'
import type { Cid } from './cid.ts'
import { decodeFileNode, encodeFileNode } from './file-node.ts'
import type { WrittenLink } from './file-node.ts'

export const sha256 = (): ReturnType<typeof createHash> => createHash('sha256')

export const digestOf = (bytes: Uint8Array): Uint8Array => sha256().update(bytes).digest()

/** Bytes that differ from place to place. */
export function patterned(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 0x9e3779b9
  for (let n = 0; n < length; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[n] = state >>> 24
  }
  return bytes
}

/** Blocks by their content ids. */
export class BlockSet {
  readonly #blocks = new Map<string, Uint8Array>()

  raw(bytes: Uint8Array): WrittenLink {
    const cid = this.keep('raw', bytes)
    return { cid, length: bytes.length, treeBytes: bytes.length }
  }

  node(links: readonly WrittenLink[]): WrittenLink {
    const bytes = encodeFileNode(links)
    return {
      cid: this.keep('dag-pb', bytes),
      length: decodeFileNode(bytes).length,
      treeBytes: links.reduce((sum, { treeBytes }) => sum + treeBytes, bytes.length)
    }
  }

  keep(codec: Cid['codec'], bytes: Uint8Array): Cid {
    const cid = cidOf(codec, digestOf(bytes))
    this.#blocks.set(cidText(cid), bytes)
    return cid
  }

  readonly get = (cid: Cid): Uint8Array | undefined => this.#blocks.get(cidText(cid))

  /** Every block, from the one that was kept last to the first: a parent before its children. */
  all(): Uint8Array[] {
    return [...this.#blocks.values()].reverse()
  }

  /** A balanced blob of `bytes`. */
  blob(bytes: Uint8Array, { leafBytes, links }: { readonly leafBytes: number; readonly links: number }): Cid {
    let level: WrittenLink[] = []
    for (let at = 0; at < bytes.length || at === 0; at += leafBytes)
      level.push(this.raw(bytes.subarray(at, at + leafBytes)))
    while (level.length > 1) {
      const above: WrittenLink[] = []
      for (let at = 0; at < level.length; at += links) above.push(this.node(level.slice(at, at + links)))
      level = above
    }
    return level[0]!.cid
  }
}

export const lengthPrefixed = (bytes: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(4 + bytes.length)
  new DataView(framed.buffer).setUint32(0, bytes.length, true)
  framed.set(bytes, 4)
  return framed
}
