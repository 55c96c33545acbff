import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import { hubPublicKey, leafHash, signCheckpoint } from '../../federation/index.ts'
import { formatPublicKey, parseSecretKey } from '../minisign.ts'
import { exportProof } from './audit-export.ts'
import { Chain } from './chain.ts'
import { encodeEntry, parseEntry } from './entry.ts'
import { walkLines } from './line-walk.ts'
import { linesIn } from './lines.ts'
import { HUB_ID, fill, scratchLog } from './log.fixture.ts'
import { logPaths } from './log-folder.ts'
import type { Witnessed } from './seal-check.ts'
import { TreeEdge } from './tree-edge.ts'
import { type AuditFault, type AuditProblem, type AuditVerdict, Finding } from './verdict.ts'
import { judgeEnd } from './verify-log.ts'
import { verifyAudit } from './verify.ts'

const LF = 0x0a
const ENTRIES = 6
const FIRST_SEGMENT = 'segments/0000000000000000'

interface Sample {
  readonly folder: string
  readonly vkey: string
}

/** A log of six entries, all covered, in one open segment. */
async function sample(t: TestContext): Promise<Sample> {
  const { folder, open } = await scratchLog(t)
  const log = await open()
  await fill(log, ENTRIES)
  await log.close()
  return { folder, vkey: readFileSync(logPaths(folder).verifierKey, 'utf8') }
}

/** A log of two sealed segments and an open one. */
async function sealedSample(t: TestContext, { prune = false } = {}): Promise<Sample> {
  const { folder, open } = await scratchLog(t)
  const log = await open({ segment: { entries: 3 } })
  for (let n = 0; n < 3; n++) await fill(log, 3)
  await log.seal()
  if (prune) assert.ok((await log.prune({ maxEntries: 7 })) > 0)
  await log.close()
  return { folder, vkey: readFileSync(logPaths(folder).verifierKey, 'utf8') }
}

const entriesPath = (folder: string): string => join(folder, FIRST_SEGMENT, 'entries.ndjson')

/** The verdict on a log whose entries are these bytes. */
async function judged({ folder, vkey }: Sample, bytes: Uint8Array): Promise<AuditVerdict> {
  writeFileSync(entriesPath(folder), bytes)
  return verifyAudit(folder, vkey)
}

function assertFound(
  verdict: AuditVerdict,
  fault: AuditFault | readonly AuditFault[],
  sequence: number
): void {
  const { problem } = verdict
  assert.equal(verdict.ok, false)
  assert.ok([fault].flat().includes(problem!.fault), `${problem!.fault}: ${problem!.message}`)
  assert.equal(problem!.sequence, sequence, problem!.message)
  assert.match(problem!.message, /^(?:entry|entries) \d+/)
}

describe('a whole log is found whole', () => {
  test('by its verifier key, its minisign key, the hub id and the hub key', async t => {
    const { folder, vkey } = await sample(t)
    const hubPub = formatPublicKey({
      keyId: Buffer.alloc(8, 1),
      publicKey: hubPublicKey(HUB_ID)!
    })

    for (const key of [vkey, readFileSync(logPaths(folder).minisignKey, 'utf8'), HUB_ID, hubPub]) {
      const verdict = await verifyAudit(folder, key)
      assert.deepEqual({ ...verdict, origin: '' }, { ok: true, origin: '', first: 0, entries: 6, covered: 6 })
    }
  })

  test('with sealed segments, and with pruned ones', async t => {
    for (const prune of [false, true]) {
      const { folder, vkey } = await sealedSample(t, { prune })

      const verdict = await verifyAudit(folder, vkey)

      assert.deepEqual(verdict.problem, undefined)
      assert.equal(verdict.first, prune ? 6 : 0)
      assert.equal(existsSync(entriesPath(folder)), !prune)
    }
  })

  test('with entries that no checkpoint covers yet', async t => {
    const { folder, open } = await scratchLog(t)
    const log = await open()
    await fill(log, 4)
    await log.checkpoint()
    await fill(log, 2)

    const verdict = await verifyAudit(folder, log.origin.slice(0, 54))

    assert.deepEqual([verdict.ok, verdict.entries, verdict.covered], [true, 6, 4])
    await log.close()
  })
})

/** Every way to change a file at one byte. */
function* mutations(bytes: Buffer, at: number): Generator<Buffer> {
  const [before, from, after] = [bytes.subarray(0, at), bytes.subarray(at), bytes.subarray(at + 1)]
  for (let bit = 0; bit < 8; bit++) yield Buffer.concat([before, Buffer.of(bytes[at]! ^ (1 << bit)), after])
  yield Buffer.concat([before, after])
  for (const put of [bytes[at]!, LF, 0x20, 0x00]) yield Buffer.concat([before, Buffer.of(put), from])
}

/** Which entry a mutation at a byte hits, and how it may be named. */
function expectation(bytes: Buffer, mutated: Buffer, at: number): readonly [readonly AuditFault[], number] {
  const sequence = bytes.subarray(0, at).filter(byte => byte === LF).length
  if (at === bytes.length - 1) {
    // A line feed that is there twice, or something behind which one is left: an empty line behind the log.
    if (mutated.at(-1) === LF && mutated.at(-2) === LF) return [['edit'], sequence + 1]
    return [['truncation', 'edit'], sequence]
  }
  // A line feed put in front of another is the same file as one put behind it.
  const isBehind = bytes[at] === LF && mutated.length > bytes.length && mutated[at] === LF
  return [['edit', 'insert'], sequence + Number(isBehind)]
}

test('names the entry for every single byte that is changed, taken away or put in', async t => {
  const { folder } = await sample(t)
  const bytes = readFileSync(entriesPath(folder))
  const newest = { origin: '', root: Buffer.alloc(32), size: ENTRIES, from: 'the checkpoint' }
  let tried = 0
  for (const at of bytes.keys()) {
    for (const mutated of mutations(bytes, at)) {
      const found = await findingIn(mutated, newest)
      const [faults, sequence] = expectation(bytes, mutated, at)
      assert.ok(found !== undefined && faults.includes(found.fault), `byte ${at}: ${found?.message}`)
      assert.equal(found.sequence, sequence, `byte ${at}: ${found.message}`)
      tried++
    }
  }
  assert.equal(tried, 13 * bytes.length)
})

async function findingIn(bytes: Buffer, newest: Witnessed): Promise<AuditProblem | undefined> {
  const chain = new Chain()
  const part = { take: () => undefined, pause: async () => undefined, knownLeaf: async () => undefined }
  try {
    const { tailBytes } = await walkLines(linesIn([bytes]), chain, part)
    judgeEnd(chain.next, tailBytes, newest)
    return undefined
  } catch (error) {
    assert.ok(error instanceof Finding, String(error))
    return error.problem
  }
}

test('names the same entry when the folder is verified', async t => {
  const log = await sample(t)
  const bytes = readFileSync(entriesPath(log.folder))
  for (const at of bytes.keys()) {
    const mutated = [...mutations(bytes, at)][at % 13]!
    const [faults, sequence] = expectation(bytes, mutated, at)
    assertFound(await judged(log, mutated), faults, sequence)
  }
})

test('names the entry and the fault for every line that is taken away, doubled, moved or put in', async t => {
  const log = await sample(t)
  const lines = linesOf(readFileSync(entriesPath(log.folder)))
  const stranger = Buffer.from('{"not":"an entry"}')
  for (let at = 0; at < lines.length; at++) {
    const without = lines.toSpliced(at, 1)
    assertFound(await judged(log, fileOf(without)), at === lines.length - 1 ? 'truncation' : 'delete', at)
    assertFound(await judged(log, fileOf(lines.slice(0, at))), 'truncation', at)
    assertFound(await judged(log, fileOf(lines.toSpliced(at, 1, stranger))), 'edit', at)
    for (let other = 0; other < lines.length; other++) {
      const copied = await judged(log, fileOf(lines.toSpliced(at, 0, lines[other]!)))
      // A copy in front of its own line is the same file as one behind it.
      assertFound(copied, other > at ? 'reorder' : 'insert', other === at ? at + 1 : at)
      if (other === at) continue
      const swapped = lines.with(at, lines[other]!).with(other, lines[at]!)
      assertFound(await judged(log, fileOf(swapped)), 'reorder', Math.min(at, other))
      const replaced = lines.with(at, lines[other]!)
      assertFound(await judged(log, fileOf(replaced)), other > at ? ['delete', 'reorder'] : 'insert', at)
    }
  }
  for (let at = 0; at < lines.length; at++)
    assertFound(await judged(log, fileOf(lines.toSpliced(at, 0, stranger))), 'insert', at)
  assertFound(await judged(log, fileOf([...lines, stranger])), 'edit', lines.length)
  assertFound(await judged(log, fileOf([...lines, lines[2]!])), 'insert', lines.length)
})

describe('a history that was written again is found', () => {
  test('at the entry whose line and hash were changed together', async t => {
    const log = await sample(t)
    const lines = linesOf(readFileSync(entriesPath(log.folder)))
    for (let at = 0; at < lines.length; at++) {
      const verdict = await judged(log, fileOf(lines.with(at, rewritten(lines[at]!))))
      assertFound(verdict, at === lines.length - 1 ? 'fork' : 'edit', at)
    }
  })

  test('at the entry from which the whole chain was made anew', async t => {
    const log = await sample(t)
    const lines = linesOf(readFileSync(entriesPath(log.folder)))
    for (let at = 0; at < lines.length; at++)
      assertFound(await judged(log, fileOf(remade(lines, at))), 'fork', at)
  })

  test('by a kept checkpoint when even the log key signed the new one', async t => {
    const log = await sample(t)
    const kept = readFileSync(logPaths(log.folder).checkpoint, 'utf8')
    const lines = remade(linesOf(readFileSync(entriesPath(log.folder))), 3)
    resign(log, [...lines, lines.at(-1)!].slice(0, -1))

    assert.equal((await judged(log, fileOf(lines))).ok, true)
    const verdict = await verifyAudit(log.folder, log.vkey, { checkpoints: [kept] })

    assert.equal(verdict.problem?.fault, 'fork')
    assert.match(verdict.problem.message, /the given checkpoint covers/)
  })

  test('by a kept checkpoint when the log was cut and signed again', async t => {
    const log = await sample(t)
    const kept = readFileSync(logPaths(log.folder).checkpoint, 'utf8')
    const lines = linesOf(readFileSync(entriesPath(log.folder))).slice(0, 4)
    resign(log, lines)

    assert.equal((await judged(log, fileOf(lines))).ok, true)
    const verdict = await verifyAudit(log.folder, log.vkey, { checkpoints: [kept] })

    assertFound(verdict, 'truncation', 4)
  })
})

describe('every other file of the log is held against the rest', () => {
  const UNJUDGED = ['log.key', 'log.vkey', 'delegation.json']

  test('for every byte of checkpoint, tiles and log.json', async t => {
    const log = await sample(t)
    const files = filesOf(log.folder).filter(
      name => !UNJUDGED.includes(name) && !/^(?:segments|lock)\//.test(name)
    )

    assert.deepEqual(files, ['checkpoint', 'log.json', 'log.pub', 'tile/0/000.p/6'])
    // log.pub is looked at where there are seals: the next test.
    for (const name of files.filter(file => file !== 'log.pub')) await mutateEachByte(log, name)
  })

  test('for every byte of a sealed segment, and of log.pub', async t => {
    const log = await sealedSample(t)
    const files = filesOf(join(log.folder, FIRST_SEGMENT))

    assert.deepEqual(files, [
      'checkpoint',
      'entries.ndjson',
      'segment.json',
      'sha256.json',
      'sha256.json.minisig'
    ])
    // entries.ndjson: the tests above.
    for (const name of ['checkpoint', 'segment.json', 'sha256.json'])
      await mutateEachByte(log, `${FIRST_SEGMENT}/${name}`)
    await mutateEachByte(log, `${FIRST_SEGMENT}/sha256.json.minisig`, 'untrusted comment: '.length)
    await mutateEachByte(log, 'log.pub', 'untrusted comment: '.length)
  })

  test('when a file or segment is gone', async t => {
    const log = await sealedSample(t)
    const whole = `${log.folder}-whole`
    cpSync(log.folder, whole, { recursive: true })
    const gone: Readonly<Record<string, RegExp>> = {
      'tile/0/000.p/11': /tile\/0\/000.p\/11: missing/,
      'log.json': /does not exist/,
      'log.pub': /log.pub: missing/,
      [FIRST_SEGMENT]: /entries 0 to 2: missing/,
      'segments/0000000000000003': /entries 3 to 5: missing/,
      'segments/0000000000000006': /entries 6 to 8: missing/,
      'segments/0000000000000009': /entry 9: missing; checkpoint covers 11/,
      'segments/0000000000000003/entries.ndjson': /entries 3 to 5: missing/,
      'segments/0000000000000000/entries.ndjson': /entries 0 to 2: gone, and no entry says/,
      'segments/0000000000000006/entries.ndjson': /entries 6 to 8: missing/,
      [`${FIRST_SEGMENT}/sha256.json`]: /segment 0: sha256.json/
    }
    for (const [name, message] of Object.entries(gone)) {
      rmSync(join(log.folder, name), { recursive: true })
      const { ok, problem } = await verifyAudit(log.folder, log.vkey)
      assert.equal(ok, false, name)
      assert.match(problem!.message, message, name)
      cpSync(whole, log.folder, { recursive: true })
    }
  })

  test('with pruned entries, down to every byte of the hashes that are left of them', async t => {
    const log = await sealedSample(t, { prune: true })
    const widths = filesOf(join(log.folder, 'tile/0/000.p')).map(Number)

    await mutateEachByte(log, `tile/0/000.p/${Math.max(...widths)}`, 0, 6 * 32)
  })
})

describe('a wrong key', () => {
  test('is told apart from a wrong log', async t => {
    const log = await sample(t)
    const other = await sample(t)
    const stranger = `h1${'a'.repeat(52)}`

    for (const [key, message] of [
      [other.vkey, /the key is of/],
      [stranger, /not by|not a hub id/],
      ['not a key', /public key/],
      [readFileSync(logPaths(other.folder).minisignKey, 'utf8'), /not signed by|does not fit/]
    ] as const) {
      const { ok, problem } = await verifyAudit(log.folder, key)
      assert.equal(ok, false)
      assert.match(problem!.message, message)
    }
  })

  test('a hub id needs the delegation of that hub, unchanged', async t => {
    const log = await sample(t)
    const path = logPaths(log.folder).delegation
    const text = readFileSync(path)
    for (const [at, byte] of text.entries()) {
      const copy = Buffer.from(text)
      copy[at] = byte ^ 1
      writeFileSync(path, copy)
      assert.equal((await verifyAudit(log.folder, HUB_ID)).problem?.fault, 'key', `byte ${at}`)
    }
    rmSync(path)
    assert.match((await verifyAudit(log.folder, HUB_ID)).problem!.message, /has not signed a delegation/)
  })
})

describe('an exported file', () => {
  async function exported(
    t: TestContext,
    from: number,
    to?: number
  ): Promise<Sample & { readonly file: string }> {
    const { folder, open } = await scratchLog(t)
    await using log = await open()
    await fill(log, ENTRIES)
    const proof = await exportProof(log, folder, from, to)
    const lines: Buffer[] = []
    for await (const piece of log.lines(from, to)) lines.push(...piece)
    const file = `${folder}.ndjson`
    writeFileSync(file, fileOf(lines))
    writeFileSync(`${file}.proof`, proof)
    return { folder, file, vkey: readFileSync(logPaths(folder).verifierKey, 'utf8') }
  }

  test('is verified with its proof, the whole log and every part of it', async t => {
    for (const [from, to] of [
      [0, 6],
      [0, 1],
      [2, 5],
      [5, 6],
      [3, 6]
    ] as const) {
      const { file, vkey } = await exported(t, from, to)
      for (const key of [vkey, HUB_ID]) {
        const { ok, first, entries, problem } = await verifyAudit(file, key)
        assert.deepEqual([ok, first, entries], [true, from, to - from], problem?.message)
      }
    }
  })

  test('is refused with any byte changed, in itself or in its proof', async t => {
    const { file, vkey } = await exported(t, 2, 5)
    for (const name of [file, `${file}.proof`]) {
      const bytes = readFileSync(name)
      const isProof = name.endsWith('.proof')
      // The delegation is not looked at when the log's own key is given.
      const delegation = isProof ? bytes.indexOf('"delegation":') : bytes.length
      const after = isProof ? bytes.indexOf('"from":') : bytes.length
      for (const [at, byte] of bytes.entries()) {
        if (at > delegation && at < after) continue
        const copy = Buffer.from(bytes)
        copy[at] = byte ^ 1
        writeFileSync(name, copy)
        assert.equal((await verifyAudit(file, vkey)).ok, false, `${name} byte ${at}`)
      }
      writeFileSync(name, bytes)
    }
    assert.equal((await verifyAudit(file, vkey)).ok, true)
  })

  test('is refused without its proof, cut, or with more lines', async t => {
    const { file, vkey } = await exported(t, 1, 4)
    const lines = linesOf(readFileSync(file))

    writeFileSync(file, fileOf(lines.slice(0, 2)))
    assertFound(await verifyAudit(file, vkey), 'truncation', 3)
    writeFileSync(file, fileOf(lines))
    rmSync(`${file}.proof`)
    assert.match((await verifyAudit(file, vkey)).problem!.message, /proof: missing/)
  })

  test('is held against a kept checkpoint, or says that it cannot be', async t => {
    const { file, vkey, folder } = await exported(t, 0, 4)
    const kept = readFileSync(logPaths(folder).checkpoint, 'utf8')
    const other = await exported(t, 0, 4)
    const foreign = readFileSync(logPaths(other.folder).checkpoint, 'utf8')

    assert.equal((await verifyAudit(file, vkey, { checkpoints: [kept] })).ok, true)
    assert.equal((await verifyAudit(file, vkey, { checkpoints: [foreign] })).problem?.fault, 'checkpoint')
  })
})

async function mutateEachByte(
  { folder, vkey }: Sample,
  name: string,
  from = 0,
  to = Infinity
): Promise<void> {
  const path = join(folder, name)
  const bytes = readFileSync(path)
  const isComment = (at: number) => /\.(?:minisig|pub)$/.test(name) && at < bytes.indexOf(LF) && at >= from
  for (const [at, byte] of bytes.entries()) {
    if (at < from || at >= to || isComment(at)) continue
    const copy = Buffer.from(bytes)
    copy[at] = byte ^ 1
    writeFileSync(path, copy)
    const { ok } = await verifyAudit(folder, vkey)
    assert.equal(ok, false, `${name} byte ${at}`)
  }
  writeFileSync(path, bytes)
  assert.deepEqual((await verifyAudit(folder, vkey)).problem, undefined)
}

function filesOf(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  return found
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .filter(name => !name.startsWith('lock'))
    .sort()
}

const linesOf = (bytes: Buffer): Buffer[] =>
  bytes
    .toString()
    .split('\n')
    .slice(0, -1)
    .map(line => Buffer.from(line))

const fileOf = (lines: readonly Buffer[]): Buffer =>
  Buffer.concat(lines.flatMap(line => [line, Buffer.of(LF)]))

/** The same entry with another clock reading, and the hash that fits. */
function rewritten(line: Buffer, prev?: string): Buffer {
  const entry = parseEntry(line)
  return encodeEntry(entry, { ...entry, ts: entry.ts + 1, ...(prev !== undefined && { prev }) }).line
}

function remade(lines: readonly Buffer[], from: number): Buffer[] {
  const made = lines.slice(0, from)
  for (const line of lines.slice(from)) {
    const before = made.at(-1)
    made.push(rewritten(line, before && parseEntry(before).hash))
  }
  return made
}

/** What someone who holds the log's key can do: tiles and checkpoint of other lines. */
function resign({ folder }: Sample, lines: readonly Buffer[]): void {
  const { key } = parseSecretKey(readFileSync(logPaths(folder).key, 'utf8'))
  const edge = new TreeEdge()
  for (const line of lines) edge.append(leafHash(line))
  const origin = readFileSync(logPaths(folder).checkpoint, 'utf8').split('\n')[0]!
  writeFileSync(
    logPaths(folder).checkpoint,
    signCheckpoint({ origin, size: edge.size, root: edge.root() }, key)
  )
  writeFileSync(join(folder, `tile/0/000.p/${lines.length}`), edge.row(0))
}
