import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  delegateLog,
  formatLogDelegation,
  formatVerifierKey,
  leafHash,
  noteKey,
  openCheckpoint,
  parseVerifierKey,
  publicBytes,
  readLogDelegation,
  signCheckpoint,
  signingKey
} from '../../federation/index.ts'
import { Chain } from './chain.ts'
import { type EntryContent, encodeEntry, parseEntry } from './entry.ts'
import { bundlePath, parseTilePath, partialTiles, tilePath } from './tile.ts'
import { TreeEdge } from './tree-edge.ts'

interface EntryVectors {
  readonly origin: string
  readonly seed: string
  readonly verifier_key: string
  readonly entries: readonly (Readonly<Record<'id' | 'prev' | 'line' | 'leaf_hash' | 'root', string>> & {
    readonly content: EntryContent
    readonly seq: number
    readonly ts: number
  })[]
  readonly checkpoint: string
  readonly refused: readonly { readonly about: string; readonly line: string }[]
  readonly delegation: Readonly<Record<'hub_seed' | 'hub' | 'text', string>>
}

interface TileVectors {
  readonly paths: readonly {
    readonly path: string
    readonly level: number
    readonly index: number
    readonly width: number
  }[]
  readonly refused: readonly string[]
  readonly edges: readonly { readonly size: number; readonly partial: readonly string[] }[]
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../specs/vectors/${name}`, import.meta.url), 'utf8'))
const vectors = read('audit-entries.json') as EntryVectors
const tiles = read('audit-tiles.json') as TileVectors
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** `{repeat, count}` stands for a text that is repeated. */
function contentOf({ data, ...content }: EntryContent): EntryContent {
  const x = data['x'] as { readonly repeat: string; readonly count: number } | undefined
  return { ...content, data: x === undefined ? data : { x: x.repeat.repeat(x.count) } }
}

describe('the vectors of entries', () => {
  const edge = new TreeEdge()
  const chain = new Chain()
  for (const { content, line, leaf_hash, root, ...place } of vectors.entries) {
    test(`entry ${place.seq}, ${content.type}: line, leaf and root`, () => {
      const made = encodeEntry(contentOf(content), place)

      assert.equal(made.line.toString(), line)
      assert.equal(chain.take(Buffer.from(line)).seq, place.seq)
      assert.equal(hex(leafHash(made.line)), leaf_hash)
      edge.append(leafHash(made.line))
      assert.equal(hex(edge.root()), root)
    })
  }

  test('the checkpoint over them is signed by the key of the seed', () => {
    const key = signingKey(Buffer.from(vectors.seed, 'hex'))
    const head = openCheckpoint(vectors.checkpoint, parseVerifierKey(vectors.verifier_key))

    assert.equal(hex(head.root), vectors.entries.at(-1)!.root)
    assert.equal(signCheckpoint(head, key), vectors.checkpoint)
    assert.equal(formatVerifierKey(noteKey(vectors.origin, publicBytes(key))), vectors.verifier_key)
  })

  for (const { about, line } of vectors.refused) {
    test(`a line with ${about} is no entry`, () => {
      assert.throws(() => parseEntry(Buffer.from(line)), SyntaxError)
    })
  }

  test('the hub key speaks for the log key', () => {
    const { hub_seed, hub, text } = vectors.delegation
    const { statement } = JSON.parse(text) as { statement: Parameters<typeof delegateLog>[1] }
    const made = delegateLog(signingKey(Buffer.from(hub_seed, 'hex')), statement)

    assert.equal(formatLogDelegation(made), text)
    assert.deepEqual(readLogDelegation(text, hub), parseVerifierKey(vectors.verifier_key))
    for (const wrong of [
      text.trim(),
      text.replace('audit-log', 'link'),
      text.replace('"issued_s":1', '"issued_s":2')
    ])
      assert.throws(() => readLogDelegation(wrong, hub), SyntaxError)
  })
})

describe('the vectors of tiles', () => {
  for (const { path, ...tile } of tiles.paths) {
    test(`${path} is tile ${tile.index} of level ${tile.level}`, () => {
      assert.deepEqual(parseTilePath(path), tile)
      assert.equal(tile.level < 0 ? bundlePath(tile) : tilePath(tile), path)
    })
  }

  test('no other text is a path', () => {
    for (const text of tiles.refused) assert.equal(parseTilePath(text), undefined, text)
  })

  test('the tiles at the edge follow from the size', () => {
    for (const { size, partial } of tiles.edges) assert.deepEqual(partialTiles(size).map(tilePath), partial)
  })
})
