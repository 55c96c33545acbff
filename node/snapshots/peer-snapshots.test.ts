import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { emptyBook, equivocationLine, parseKeyRecord } from '../../federation/index.ts'
import type { KeyRecord } from '../../federation/index.ts'
import { judgeProofLine } from '../witness/index.ts'
import { splitProof } from './split-proof.ts'
import type { AuditEvent } from '../audit/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { SnapshotFolders } from './folders.ts'
import { PeerSnapshots } from './peer-snapshots.ts'
import { SnapshotRows } from './rows.ts'

const { hub, now, packages } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-snapshots.json', import.meta.url), 'utf8')
) as {
  readonly hub: string
  readonly now: number
  readonly packages: readonly {
    readonly name: string
    readonly package: string
    readonly refusal: string | null
  }[]
}
/** What came along with the first one. */
const DELEGATIONS = ((): readonly KeyRecord[] => {
  const { files } = JSON.parse(packages[0]!.package) as { files: Record<string, string> }
  return files['keys.ndjson']!.trimEnd().split('\n').map(parseKeyRecord)
})()
const CALL = { actor: 'local', signal: new AbortController().signal }

test('a package that is refused leaves nothing on the disk, and is recorded by name', async t => {
  const { peers, serve, events, files } = await given(t)
  for (const { name, refusal } of packages) {
    if (refusal === null || HELD_REFUSALS.includes(refusal)) continue
    serve(name)
    await assert.rejects(peers.fetch(hub, CALL), { code: 'snapshot_refused', reason: refusal }, name)
    assert.equal(events.at(-1)?.content.data?.['code'], refusal)
  }

  assert.deepEqual(files(), [])
  assert.deepEqual(peers.of(hub), [])
})

test('the next one is kept beside the one before, and the same is not fetched again', async t => {
  const { peers, serve, files, fetched } = await given(t)
  const verdicts = []
  for (const name of ['first', 'known', 'next']) {
    serve(name)
    verdicts.push((await peers.fetch(hub, CALL)).verdict)
  }

  assert.deepEqual(verdicts, ['first', 'known', 'next'])
  assert.equal(fetched(), 2)
  assert.deepEqual(files(), ['7', '8'])
})

test('what is forgotten is recorded and gone, and an older one is then taken as the first', async t => {
  const { peers, serve, events, files } = await given(t)
  for (const name of ['first', 'next']) {
    serve(name)
    await peers.fetch(hub, CALL)
  }

  assert.equal(await peers.forget(hub, { actor: 'local' }), 2)
  assert.equal(await peers.forget(hub, { actor: 'local' }), 0)
  assert.equal(await peers.forget('own', { actor: 'local' }), 0)

  assert.deepEqual([peers.of(hub), peers.hubs, files()], [[], [], []])
  const { type, data } = events.at(-1)!.content
  assert.deepEqual([type, data], ['peer_forget', { hub, what: 'snapshots', count: 2 }])
  serve('first')
  assert.equal((await peers.fetch(hub, CALL)).verdict, 'first')
})

test('an older snapshot is refused as a rollback, also after a restart', async t => {
  const first = await given(t)
  for (const name of ['first', 'next']) {
    first.serve(name)
    await first.peers.fetch(hub, CALL)
  }

  const again = await given(t, first)
  again.serve('first')

  await assert.rejects(again.peers.fetch(hub, CALL), { reason: 'rollback' })
  assert.equal(again.peers.of(hub).at(-1)?.held.seq, 8)
})

test('another snapshot of a number that is held is a split, and one around it a wrong chain', async t => {
  const { peers, serve, events, splits } = await given(t)
  serve('first')
  await peers.fetch(hub, CALL)
  for (const [name, refusal] of [
    ['one-number-twice', 'split'],
    ['other-prev', 'wrong_chain'],
    ['around', 'wrong_chain'],
    ['fewer-entries', 'rollback']
  ] as const) {
    serve(name)
    await assert.rejects(peers.fetch(hub, CALL), { reason: refusal }, name)
    const { seq } = events.at(-1)!.content.data as { seq?: number }
    assert.ok(seq === 7 || seq === 8, name)
  }
  assert.equal(splits.length, 1)
  const [lines] = splits as [readonly [string, string]]
  const proof = equivocationLine(splitProof(hub, lines, emptyBook(hub), DELEGATIONS))
  const judged = judgeProofLine(proof)
  assert.deepEqual([judged.ok, judged.ok && judged.proof.kind], [true, 'snapshots'])
})

test('only so many of a hub are kept, and what was cut off is taken away', async t => {
  const first = await given(t, undefined, 1)
  for (const name of ['first', 'next', 'gap']) {
    first.serve(name)
    await first.peers.fetch(hub, CALL)
  }
  assert.deepEqual(first.files(), ['20'])
  await first.folders.write(hub, 30, new Map([['a', Buffer.from('half')]]))

  const again = await given(t, first, 1)
  await again.peers.recover()

  assert.deepEqual(again.files(), ['20'])
})

const HELD_REFUSALS = ['rollback', 'split', 'wrong_chain']

/** A hub whose peer says what it is told to; `before` is the disk of one that lived before. */
async function given(t: TestContext, before?: { readonly top: string; readonly level: Level }, keep = 8) {
  const top = before?.top ?? mkdtempSync(join(tmpdir(), 'omnigate-snapshots-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  const level = before?.level ?? (await openLevel('memory'))
  const folders = await SnapshotFolders.open(join(top, 'snapshots'))
  const rows = await SnapshotRows.open(
    () => level,
    row => assert.fail(`damaged: ${row}`)
  )
  const events: AuditEvent[] = []
  const splits: (readonly string[])[] = []
  let bytes = new Uint8Array()
  let named = { seq: 1, sha256: '00'.repeat(32), cid: 'bafkqaaa' }
  let fetched = 0
  const peers = new PeerSnapshots({
    folders,
    rows,
    sourceOf: () => ({
      newest: async () => named,
      package: async () => {
        fetched++
        return bytes
      }
    }),
    bookOf: emptyBook,
    record: async event => events.push(event),
    split: async (_hub, lines) => void splits.push(lines),
    refused: () => undefined,
    nowS: () => now,
    keep
  })
  const serve = (name: string): void => {
    bytes = Buffer.from(packages.find(one => one.name === name)!.package)
    const newest = peers.of(hub).at(-1)?.held
    // What a link says of it is not believed; only of what is known nothing is fetched.
    named = name === 'known' ? { ...named, seq: newest!.seq, sha256: newest!.sha256 } : { ...named, seq: 1 }
  }
  const files = (): string[] =>
    readdirSync(join(top, 'snapshots'), { recursive: true, encoding: 'utf8' })
      .filter(path => path.split('/').length === 2)
      .map(path => path.split('/')[1]!)
      .sort((a, b) => Number(a) - Number(b))
  return { top, level, folders, peers, serve, events, splits, files, fetched: () => fetched }
}
