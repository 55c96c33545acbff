import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import {
  isConsistent,
  leafHash,
  openCheckpoint,
  parseVerifierKey,
  rootFromInclusion,
  rootFromRange,
  signingKey
} from '../../federation/index.ts'
import { EXIT, SetupError } from '../setup-error.ts'
import { AuditLog } from './audit-log.ts'
import { commitment } from './commitments.ts'
import { parseEntry } from './entry.ts'
import { auditEvent } from './events.ts'
import { HUB_ID, HUB_KEY, fill, scratchLog, started } from './log.fixture.ts'
import { addLogDelegation, createLogFolder, logPaths } from './log-folder.ts'
import { verifyAudit } from './verify.ts'

const entriesPath = (folder: string, first = 0): string =>
  join(folder, 'segments', String(first).padStart(16, '0'), 'entries.ndjson')

const vkeyOf = (folder: string): string => readFileSync(logPaths(folder).verifierKey, 'utf8').trim()

const headOf = (folder: string, note: string) => openCheckpoint(note, parseVerifierKey(vkeyOf(folder)))

async function linesIn(log: AuditLog, from = 0, to?: number): Promise<Buffer[]> {
  const lines: Buffer[] = []
  for await (const piece of log.lines(from, to)) lines.push(...piece)
  return lines
}

function refusal(exitCode: number, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof SetupError, String(error))
    assert.match(error.message, message)
    assert.equal(error.exitCode, exitCode)
    return true
  }
}

describe('what is appended', () => {
  test('stands in the file as canonical lines in one chain, in the order of the calls', async t => {
    const { folder, open } = await scratchLog(t)
    await using log = await open()

    const seqs = await Promise.all([log.append(started(1)), log.append(started(2)), log.append(started(3))])

    assert.deepEqual(seqs, [0, 1, 2])
    const lines = readFileSync(entriesPath(folder), 'utf8').split('\n')
    assert.equal(lines.pop(), '')
    const entries = lines.map(line => parseEntry(Buffer.from(line)))
    assert.deepEqual(
      entries.map(({ seq, data }) => [seq, data['boot']]),
      [
        [0, 1],
        [1, 2],
        [2, 3]
      ]
    )
    assert.deepEqual(
      entries.map(({ prev }) => prev),
      ['0'.repeat(64), entries[0]!.hash, entries[1]!.hash]
    )
    assert.equal(new Set(entries.map(({ id }) => id)).size, 3)
  })

  test('is read back in any range, over segments, up to what is durable', async t => {
    const { open } = await scratchLog(t, { segment: { entries: 4 } })
    await using log = await open()
    for (let n = 0; n < 5; n++) await fill(log, 3)

    const all = await linesIn(log)

    assert.equal(all.length, 15)
    for (const [from, to] of [
      [0, 15],
      [3, 4],
      [4, 9],
      [7, 7],
      [14, 15]
    ] as const)
      assert.deepEqual(await linesIn(log, from, to), all.slice(from, to))
    await assert.rejects(linesIn(log, 0, 16), /there are 15/)
  })

  test('is refused once the log is closed', async t => {
    const { open } = await scratchLog(t)
    const log = await open()
    await log.close()
    await log.close()

    await assert.rejects(log.append(started()), /closed/)
  })

  test('goes on in the same chain after the log was opened again', async t => {
    const { folder, open } = await scratchLog(t, { segment: { entries: 5 } })
    for (let boot = 0; boot < 6; boot++) {
      await using log = await open()
      await fill(log, 3)
      if (boot % 2 === 1) await log.seal()
    }

    const { ok, entries, problem } = await verifyAudit(folder, vkeyOf(folder))

    assert.ok(ok, problem?.message)
    assert.ok(entries > 18)
  })
})

describe('a checkpoint', () => {
  test('covers every durable entry, and is the file before it is given out', async t => {
    const { folder, open } = await scratchLog(t)
    await using log = await open()
    const empty = headOf(folder, await log.checkpoint())
    await fill(log, 300)

    const note = await log.checkpoint()

    assert.equal(empty.size, 0)
    assert.deepEqual([headOf(folder, note).size, headOf(folder, note).origin], [300, log.origin])
    assert.equal(readFileSync(logPaths(folder).checkpoint, 'utf8'), note)
    assert.equal(await log.checkpoint(), note)
    assert.equal(statSync(join(folder, 'tile/0/000')).size, 8192)
    assert.equal(statSync(join(folder, 'tile/0/001.p/44')).size, 44 * 32)
    assert.equal(statSync(join(folder, 'tile/1/000.p/1')).size, 32)
  })

  test('never covers an entry that is not durable yet', async t => {
    const { folder, open } = await scratchLog(t)
    await using log = await open()
    const appended = fill(log, 10)

    const note = await log.checkpoint()

    assert.equal(headOf(folder, note).size, 0)
    await appended
  })

  test('is signed by the log key, whose hub signed for it', async t => {
    const { folder, open } = await scratchLog(t)
    await using log = await open()
    await log.append(started())
    await log.checkpoint()

    assert.match(log.origin, new RegExp(`^${HUB_ID}/node1/[0-9a-f]{16}$`))
    assert.equal((await verifyAudit(folder, HUB_ID)).ok, true)
  })
})

test('proves every entry, every earlier size and every range, while it grows', async t => {
  const { folder, open } = await scratchLog(t, { segment: { entries: 200 } })
  await using log = await open()
  const roots = new Map<number, Uint8Array>()
  for (const count of [1, 255, 1, 300, 43]) {
    await fill(log, count)
    const { size, root } = headOf(folder, await log.checkpoint())
    roots.set(size, root)
  }
  await log.seal()
  const lines = await linesIn(log)

  for (const [size, root] of roots) {
    for (const seq of [0, 1, 100, 254, 255, 256, 599].filter(one => one < size)) {
      const { hashes } = await log.inclusion(seq, size)
      assert.deepEqual(
        Buffer.from(rootFromInclusion(leafHash(lines[seq]!), seq, size, hashes)!),
        Buffer.from(root)
      )
      const range = await log.range(seq, size, size)
      const found = rootFromRange({ from: seq, to: size, size }, at => leafHash(lines[at]!), range.hashes)
      assert.deepEqual(Buffer.from(found!), Buffer.from(root))
    }
    for (const [from, fromRoot] of roots) {
      if (from > size) continue
      const { hashes } = await log.consistency(from, size)
      assert.ok(isConsistent({ from, fromRoot, to: size, toRoot: root }, hashes))
    }
  }
  await assert.rejects(log.inclusion(600, 600), /entry 600/)
  await assert.rejects(log.inclusion(0, 10_000), /size 10000/)
  await assert.rejects(log.consistency(601, 600), /size 601/)
})

describe('opening', () => {
  test('a second time is refused while the log is open', async t => {
    const { open } = await scratchLog(t)
    await using _ = await open()

    await assert.rejects(open(), refusal(EXIT.inUse, /is open in another process/))
  })

  test('cuts a torn last line off and records it', async t => {
    const torn = '{"actor":"node","data":{"torn'
    for (const boots of [1, 2]) {
      const { folder, open } = await scratchLog(t)
      for (let n = 0; n < boots; n++) {
        await using log = await open()
        await fill(log, 2)
      }
      appendFileSync(entriesPath(folder), torn)

      await using log = await open()

      const entry = parseEntry((await linesIn(log)).at(-1)!)
      assert.equal(entry.type, 'torn_tail')
      assert.deepEqual(entry.data, { bytes: torn.length, sha256: commitment(torn) })
      assert.equal(log.size, 2 * boots + 1)
      assert.ok(!readFileSync(entriesPath(folder), 'utf8').includes(torn))
    }
  })

  test('cuts off zeros that a power cut left behind the last line', async t => {
    const { folder, open } = await scratchLog(t)
    await (await open()).close()
    const log = await open()
    await fill(log, 2)
    await log.close()
    appendFileSync(entriesPath(folder), Buffer.alloc(100_000))

    await using again = await open()

    assert.equal(parseEntry((await linesIn(again)).at(-1)!).data['bytes'], 100_000)
    await again.checkpoint()
    assert.equal((await verifyAudit(folder, vkeyOf(folder))).ok, true)
  })

  test('cuts off a commit of which a power cut took the middle, and not what a checkpoint covers', async t => {
    const { folder, open } = await scratchLog(t)
    const log = await open()
    await fill(log, 2)
    await log.checkpoint()
    await fill(log, 4)
    const bytes = readFileSync(entriesPath(folder))
    // As a copy of the disk at that moment: the checkpoint covers two entries.
    const copy = `${folder}-copy`
    cpSync(folder, copy, { recursive: true, filter: path => !path.includes('lock') })
    await log.close()
    const third = bytes.length / 2
    writeFileSync(
      entriesPath(copy),
      Buffer.concat([bytes.subarray(0, third), Buffer.alloc(50), bytes.subarray(third + 50)])
    )

    await using again = await AuditLog.open(copy)

    const lines = (await linesIn(again)).map(line => parseEntry(line))
    assert.deepEqual([lines.length, lines.at(-1)!.type], [4, 'torn_tail'])
    await again.checkpoint()
    const whole = readFileSync(entriesPath(copy))
    await again.close()
    writeFileSync(entriesPath(copy), Buffer.concat([Buffer.alloc(50), whole.subarray(50)]))
    await assert.rejects(AuditLog.open(copy), refusal(EXIT.badInput, /entry 0: /))
  })

  test('writes tiles again that a crash took', async t => {
    const { folder, open } = await scratchLog(t, { segment: { entries: 500 } })
    const log = await open()
    await fill(log, 400)
    await fill(log, 400)
    await log.close()
    rmSync(join(folder, 'tile'), { recursive: true })
    const whole = await open()
    await whole.append(started())
    await whole.close()
    assert.equal((await verifyAudit(folder, vkeyOf(folder))).ok, true)
    truncateSync(join(folder, 'tile/0/001'), 100)

    await (await open()).close()

    assert.equal((await verifyAudit(folder, vkeyOf(folder))).ok, true)
  })

  const damages: readonly (readonly [string, (folder: string) => void, RegExp])[] = [
    ['a changed byte', folder => flip(entriesPath(folder), 500), /entry 1: /],
    ['a changed byte of the last line', folder => flip(entriesPath(folder), -40), /entry 3: /],
    [
      'a line too few',
      folder => writeLines(folder, lines => lines.toSpliced(1, 1)),
      /entry 1: .* is entry 2/
    ],
    [
      'no last line',
      folder => writeLines(folder, lines => lines.slice(0, 3)),
      /ends before entry 3, its checkpoint covers 4/
    ],
    [
      'a cut last line',
      folder => truncateSync(entriesPath(folder), statSync(entriesPath(folder)).size - 1),
      /entry 3 is cut off/
    ],
    [
      'a checkpoint of another key',
      folder => flip(logPaths(folder).checkpoint, -10),
      /log\/checkpoint: .*signature/
    ],
    ['a damaged log.json', folder => flip(logPaths(folder).log, 3), /log.json: damaged/],
    ['a damaged key', folder => flip(logPaths(folder).key, -20), /log.key: damaged/],
    ['another verifier key', folder => flip(logPaths(folder).verifierKey, -5), /log.vkey: does not belong/],
    ['entries that are gone', folder => rmSync(entriesPath(folder)), /entries from 0 on are missing/],
    [
      'a foreign file among the segments',
      folder => writeFileSync(join(folder, 'segments/x'), ''),
      /segments\/x: not a segment/
    ]
  ]
  for (const [what, damage, message] of damages) {
    test(`refuses ${what}, and names where`, async t => {
      const { folder, open } = await scratchLog(t)
      const log = await open()
      await fill(log, 4)
      await log.close()

      damage(folder)

      await assert.rejects(open(), refusal(EXIT.badInput, message))
    })
  }

  test('refuses a sealed segment that is missing, shorter or not signed for', async t => {
    const { folder, open } = await scratchLog(t, { segment: { entries: 3 } })
    const log = await open()
    for (let n = 0; n < 3; n++) await fill(log, 3)
    await log.seal()
    await log.close()
    const second = join(folder, 'segments/0000000000000003')
    const entries = readFileSync(join(second, 'entries.ndjson'))

    writeFileSync(join(second, 'entries.ndjson'), entries.subarray(1))
    await assert.rejects(open(), refusal(EXIT.badInput, /from entry 3 on there are/))
    rmSync(join(second, 'entries.ndjson'))
    await assert.rejects(open(), refusal(EXIT.badInput, /entries 3 to 5 are missing/))
    rmSync(second, { recursive: true })
    await assert.rejects(open(), refusal(EXIT.badInput, /entries 3 to 5 are missing/))
  })

  test('refuses a key that others may read, and a newer format', async t => {
    const { folder, open } = await scratchLog(t)
    chmodSync(logPaths(folder).key, 0o644)
    await assert.rejects(open(), refusal(EXIT.permission, /chmod 600/))
    chmodSync(logPaths(folder).key, 0o600)
    const text = readFileSync(logPaths(folder).log, 'utf8')
    writeFileSync(logPaths(folder).log, text.replace('"format":1', '"format":2'))
    await assert.rejects(open(), refusal(EXIT.newerFormat, /format 2/))
  })
})

describe('a failed write', () => {
  test('fails that entry and every later one, and the log says so', async t => {
    const { folder, open } = await scratchLog(t, { segment: { entries: 3 } })
    const log = await open()
    await fill(log, 3)
    // The next segment cannot begin: a file has its name.
    writeFileSync(join(folder, 'segments/0000000000000003'), '')

    await assert.rejects(log.append(started()), SetupError)

    assert.ok(log.failure instanceof SetupError)
    await assert.rejects(log.append(started()), SetupError)
    assert.equal(log.size, 3)
    await log.close()
  })
})

describe('sealing and pruning', () => {
  async function grown(t: TestContext) {
    const scratch = await scratchLog(t, { segment: { entries: 4 } })
    const log = await scratch.open()
    for (let n = 0; n < 4; n++) await fill(log, 4)
    return { ...scratch, log }
  }

  test('seals closed segments once, each named by an entry, with tiles and a covering checkpoint', async t => {
    const { folder, log } = await grown(t)

    assert.equal(await log.seal(), 3)

    const seals = (await linesIn(log)).map(line => parseEntry(line)).filter(({ type }) => type === 'seal')
    assert.deepEqual(
      seals.map(({ data }) => [data['first'], data['entries']]),
      [
        [0, 4],
        [4, 4],
        [8, 4]
      ]
    )
    assert.equal(seals[0]!.data['sha256'], commitment(readFileSync(entriesPath(folder))))
    const note = readFileSync(join(folder, 'segments/0000000000000004/checkpoint'), 'utf8')
    assert.ok(headOf(folder, note).size >= 8)
    await log.close()
  })

  test('seals again what a crash left without its signature', async t => {
    const { folder, log, open } = await grown(t)
    await log.seal()
    await log.close()
    rmSync(join(folder, 'segments/0000000000000008/sha256.json.minisig'))

    await using again = await open()

    assert.ok((await again.seal()) >= 1)
    await again.checkpoint()
    assert.equal((await verifyAudit(folder, vkeyOf(folder))).ok, true)
  })

  test('prunes the oldest sealed segments, says so first, and still proves what is gone', async t => {
    const { folder, log, open } = await grown(t)
    await log.seal()
    const kept = await linesIn(log)
    const old = headOf(folder, await log.checkpoint())

    assert.equal(await log.prune({ maxEntries: 12 }), 8)

    assert.equal(log.first, 8)
    assert.ok(!existsSync(entriesPath(folder)) && !existsSync(entriesPath(folder, 4)))
    assert.deepEqual(readdirSync(join(folder, 'segments/0000000000000000')).length, 4)
    await assert.rejects(linesIn(log, 7), /entry 7: pruned; the first is 8/)
    const { hashes } = await log.inclusion(2, old.size)
    assert.deepEqual(
      Buffer.from(rootFromInclusion(leafHash(kept[2]!), 2, old.size, hashes)!),
      Buffer.from(old.root)
    )
    const prune = parseEntry((await linesIn(log, 8)).at(-1)!)
    assert.deepEqual([prune.type, prune.data['before'], prune.data['entries']], ['prune', 8, 8])
    await log.close()

    await using again = await open()
    assert.equal(again.first, 8)
    assert.equal((await verifyAudit(folder, HUB_ID)).ok, true)
  })

  test('prunes nothing that is not sealed, and nothing within the bounds', async t => {
    const { log } = await grown(t)

    assert.equal(await log.prune({ maxEntries: 1 }), 0)
    await log.seal()
    assert.equal(await log.prune({ maxEntries: 1000, maxBytes: 1_000_000, maxAgeMs: 1_000_000 }), 0)
    assert.equal(await log.prune({ maxBytes: 1 }), 12)
    await log.close()
  })

  test('prunes by age', async t => {
    let nowMs = 1_000_000
    const { open } = await scratchLog(t)
    await using log = await open({ segment: { ageMs: 60_000 }, now: () => nowMs })
    await fill(log, 2)
    nowMs += 60_000
    await fill(log, 2)
    await log.seal()
    assert.equal(await log.prune({ maxAgeMs: 60_000 }), 0)
    nowMs += 1

    assert.equal(await log.prune({ maxAgeMs: 60_000 }), 2)
  })

  test('closes the segment for the next entry when asked', async t => {
    const { folder, open } = await scratchLog(t)
    await using log = await open()
    await fill(log, 2)
    log.closeSegment()
    await fill(log, 2)

    assert.equal(await log.seal(), 1)
    assert.ok(existsSync(entriesPath(folder, 2)))
  })
})

test('a log after a restore names the one before it', async t => {
  const { folder, open } = await scratchLog(t)
  const before = await open()
  await fill(before, 5)
  const { origin, size, root } = headOf(folder, await before.checkpoint())
  await before.close()
  const restored = `${folder}-restored`
  await createLogFolder(restored, { hubId: HUB_ID, nodeName: 'node1', nowMs: 0 })

  await using log = await AuditLog.open(restored)
  await log.append(auditEvent('restore', 'local', { origin, size, root: Buffer.from(root).toString('hex') }))

  const [first] = (await linesIn(log)).map(line => parseEntry(line))
  assert.deepEqual(first!.data, { origin, size: 5, root: Buffer.from(root).toString('hex') })
  assert.notEqual(log.origin, origin)
})

test('a log made while the hub key was away gets its delegation later, once, from its own hub', async t => {
  const { folder } = await scratchLog(t)
  const other = `${folder}-other`
  await createLogFolder(other, { hubId: HUB_ID, nodeName: 'node2', nowMs: 0 })
  const log = await AuditLog.open(other)
  await log.close()
  assert.match((await verifyAudit(other, HUB_ID)).problem!.message, /has not signed a delegation/)

  await assert.rejects(
    addLogDelegation(other, { hubKey: signingKey(Buffer.alloc(32, 8)), nowMs: 0 }),
    refusal(EXIT.badInput, /another hub/)
  )
  await addLogDelegation(other, { hubKey: HUB_KEY, nowMs: 0 })

  assert.equal((await verifyAudit(other, HUB_ID)).ok, true)
  await assert.rejects(
    addLogDelegation(other, { hubKey: HUB_KEY, nowMs: 0 }),
    refusal(EXIT.cannotCreate, /exists/)
  )
})

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = bytes[place]! ^ 1
  writeFileSync(path, bytes)
}

function writeLines(folder: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(entriesPath(folder), 'utf8').split('\n').slice(0, -1)
  writeFileSync(
    entriesPath(folder),
    change(lines)
      .map(line => `${line}\n`)
      .join('')
  )
}
