import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cidText, dagWalk, decodeFileNode } from '../../protocols/index.ts'
import type { Profile } from '../../protocols/index.ts'
import { FileDag } from './file-dag.ts'
import type { Block, Root } from './file-dag.ts'

// What ipfs-unixfs-importer 17.1.1 yields for `counted(length)` with CIDv1, raw leaves, leaves of this length and so many
// links a node.
const FOREIGN: readonly (readonly [length: number, leafBytes: number, links: number, cid: string])[] = [
  [0, 65_536, 1024, 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
  [1, 65_536, 1024, 'bafkreicjtfcgdvvumoipafgiyutvvbmr56dwi5qk7yttttxch5x34kcxpa'],
  [65_536, 65_536, 1024, 'bafkreigftl63bbsdmky6wcgmu5us4msrufsdn7pqxeqezew735a362laqy'],
  [65_537, 65_536, 1024, 'bafybeicrjipmlbqfcpog3i2opopue7d33w5em2knnriprwbg2v4oruurhi'],
  [131_072, 65_536, 1024, 'bafybeiank3tvbd7d2pgic4dqyq2cmy3uasyvmtwjxaip6qdduav25bx6i4'],
  [1_000_000, 65_536, 1024, 'bafybeiahxgn7goploc6vfi62gzsvqia46pdnhkd6ia7pvn3jinci7uiowa'],
  [67_108_865, 65_536, 1024, 'bafybeibeuy7wocuk6kf2h27tuayd535l5qljl2uhqoa3vec5jb7t2rbxge'],
  [3_000_001, 1_048_576, 1024, 'bafybeicj7g2ujkfbkrrout3qufyyjbifil4ejjsitm5yteaez7mco7nm24'],
  [1000, 4, 3, 'bafybeih6z75k2hahfhzsgxtpi3rwwvgwpb4hcehilpyyauh2dhwss42r3q'],
  [108, 4, 3, 'bafybeicp5g4sltrbp6m6ol7erzsluexpuac2hqi2i2bkoetij4ypducbui'],
  [109, 4, 3, 'bafybeia7i6zsbwpkf5gqx7waij6usy56j5rxyutprvpah3fh6f5f4rg364'],
  [81, 1, 3, 'bafybeifxi7nnhrorl6fskrricdiqowmf5g2w6eayxg675setfgasxyp4am'],
  [82, 1, 3, 'bafybeicf5s3lrxkdicfjeugmgfhqzfjbyxbrpkwwoga5taludbnkeobymm'],
  [10_001, 1, 10, 'bafybeidaoupvpeywewi5v4a7sf6ifser3awfjuopmckvffha3ogrbnidqu']
]

void describe('a blob has the CID that other tools give it', () => {
  for (const [length, leafBytes, links, cid] of FOREIGN) {
    void test(`${length} bytes in leaves of ${leafBytes}, ${links} links a node`, () => {
      const { root } = imported(pieces(counted(length), 100_003), { leafBytes, links })

      assert.equal(cidText(root.cid), cid)
      assert.equal(root.length, length)
    })
  }

  void test('whatever pieces its bytes come in', () => {
    const profile = { leafBytes: 5, links: 3 }
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), cut => {
        const whole = imported([Buffer.concat(cut)], profile)

        const { root } = imported(cut, profile)

        assert.equal(cidText(root.cid), cidText(whole.root.cid))
      })
    )
  })
})

void describe('the blocks of a blob', () => {
  void test('read in order are its bytes', async () => {
    const bytes = counted(999)

    const { root, blocks } = imported(pieces(bytes, 17), { leafBytes: 4, links: 3 })

    const leaves: Uint8Array[] = []
    const source = (id: { readonly bytes: Uint8Array }) => blocks.get(cidText(id))?.bytes
    for await (const { cid, bytes } of dagWalk({ cid: root.cid, blocks: source })) {
      if (cid.codec === 'raw') leaves.push(bytes)
    }
    assert.deepEqual(Buffer.concat(leaves), Buffer.from(bytes))
    assert.equal(
      root.treeBytes,
      [...blocks.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
    )
  })

  void test('come children first', () => {
    const seen = new Set<string>()
    const dag = new FileDag({ leafBytes: 1, links: 2 })
    const { blocks } = ((first: Block[]) => ({ blocks: [...first, ...dag.end().blocks] }))(
      dag.push(counted(33))
    )

    for (const { cid, bytes } of blocks) {
      const children = cid.codec === 'raw' ? [] : decodeFileNode(bytes).links
      assert.ok(children.every(link => seen.has(cidText(link.cid))))
      seen.add(cidText(cid))
    }
  })

  void test('that lie in one piece are views of it', () => {
    const piece = counted(12)

    const [first, second] = new FileDag({ leafBytes: 6, links: 3 }).push(piece)

    assert.equal(first!.bytes.buffer, piece.buffer)
    assert.equal(second!.bytes.buffer, piece.buffer)
  })
})

/** Bytes of a linear congruential generator: the same here as where the CIDs were made. */
function counted(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let n = 0; n < length; n++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[n] = state >>> 16
  }
  return bytes
}

function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

function imported(
  cut: Iterable<Uint8Array>,
  profile: Profile
): { readonly root: Root; readonly blocks: ReadonlyMap<string, Block> } {
  const dag = new FileDag(profile)
  const blocks = new Map<string, Block>()
  const keep = (each: readonly Block[]): void => each.forEach(block => blocks.set(cidText(block.cid), block))
  for (const piece of cut) keep(dag.push(piece))
  const { blocks: last, root } = dag.end()
  keep(last)
  return { root, blocks }
}
