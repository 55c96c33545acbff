import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { AuditLog, openCheckpoint, parseVerifierKey, verifyAudit } from 'omnigate'
import { goIsMissing } from '../go-build.ts'
import { askOracle, buildAuditOracle } from './audit-oracle.ts'
import { appendMany, newLogFolder, scratchFolder } from './sample-log.ts'

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex')

describe('golang.org/x/mod/sumdb', { skip: goIsMissing() ?? false }, () => {
  before(buildAuditOracle)

  for (const size of [1, 255, 256, 257, 1000, 66_000]) {
    test(`verifies checkpoint, tiles and each entry of a log of ${size}`, async t => {
      const folder = await newLogFolder(scratchFolder(t))
      const log = await AuditLog.open(folder, { segment: { entries: 40_000 } })
      await appendMany(log, size)
      const { origin } = log
      await log.close()

      const verdict = askOracle(['log', folder])

      assert.deepEqual([verdict['origin'], verdict['size'], verdict['entries']], [origin, size, size])
      assert.equal(readFileSync(join(folder, 'checkpoint'), 'utf8').split('\n')[2], verdict['root'])
    })
  }

  test('makes the same inclusion proofs and accepts the growth of every size', async t => {
    const folder = await newLogFolder(scratchFolder(t))
    await using log = await AuditLog.open(folder)
    await appendMany(log, 600)
    await log.checkpoint()
    const sizes = [1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 512, 513, 599, 600]
    const inclusion: object[] = []
    const consistency: object[] = []
    for (const size of sizes) {
      for (const seq of [0, 1, 2, 254, 255, 256, 511, 512, size - 1].filter(one => one < size)) {
        const { hashes } = await log.inclusion(seq, size)
        inclusion.push({ seq, size, hashes: hashes.map(hex) })
      }
      for (const from of sizes.filter(one => one <= size)) {
        const { hashes } = await log.consistency(from, size)
        consistency.push({ from, to: size, hashes: hashes.map(hex) })
      }
    }

    const verdict = askOracle(['proofs', folder], { inclusion, consistency })

    assert.deepEqual([verdict['inclusion'], verdict['consistency']], [inclusion.length, consistency.length])
    assert.ok(Number(verdict['refused']) >= inclusion.length - sizes.length)
  })

  test('refuses a log that verify refuses: an entry, a tile or the checkpoint changed', async t => {
    const folder = await newLogFolder(scratchFolder(t))
    const log = await AuditLog.open(folder)
    await appendMany(log, 300)
    await log.close()
    const key = readFileSync(join(folder, 'log.vkey'), 'utf8')
    for (const name of ['segments/0000000000000000/entries.ndjson', 'tile/0/000', 'checkpoint']) {
      const path = join(folder, name)
      const bytes = readFileSync(path)
      const copy = Buffer.from(bytes)
      copy[100] = copy[100]! ^ 1
      writeFileSync(path, copy)

      assert.throws(() => askOracle(['log', folder]), /the audit oracle/, name)
      assert.equal((await verifyAudit(folder, key)).ok, false, name)
      writeFileSync(path, bytes)
    }
    assert.equal((await verifyAudit(folder, key)).ok, true)
  })

  test('signs a checkpoint that we open, and not with another text', () => {
    const root = Buffer.alloc(32, 3).toString('base64')
    const { verifier_key, note } = askOracle(['sign', 'example.org/log', `example.org/log\n7\n${root}\n`])
    const key = parseVerifierKey(String(verifier_key))

    assert.equal(openCheckpoint(String(note), key).size, 7)
    assert.throws(() => openCheckpoint(String(note).replace('\n7\n', '\n8\n'), key), /does not fit/)
  })
})

function minisignIsMissing(): string | false {
  if (process.env['CI'] || spawnSync('minisign', ['-v']).status === 0) return false
  return 'minisign is not installed: its verification of seals is left out'
}

describe('minisign', { skip: minisignIsMissing() }, () => {
  test('verifies the seal of each segment with log.pub, sha256sum its files, and neither when one changed', async t => {
    const folder = await newLogFolder(scratchFolder(t))
    const log = await AuditLog.open(folder, { segment: { entries: 50 } })
    for (let n = 0; n < 4; n++) await appendMany(log, 50)
    assert.equal(await log.seal(), 3)
    await log.close()
    const sealed = readdirSync(join(folder, 'segments')).slice(0, 3)
    for (const name of sealed) {
      const segment = join(folder, 'segments', name)
      const verify = () =>
        spawnSync('minisign', ['-Vm', 'sha256.json', '-p', '../../log.pub'], {
          cwd: segment,
          encoding: 'utf8'
        })
      const digests = JSON.parse(readFileSync(join(segment, 'sha256.json'), 'utf8')) as Record<string, string>
      const sums = Object.entries(digests).map(([file, sum]) => `${sum}  ${file}\n`)
      const sum = () => spawnSync('sha256sum', ['-c', '--strict'], { cwd: segment, input: sums.join('') })

      const { status, stdout, stderr } = verify()

      assert.equal(status, 0, stderr)
      assert.match(stdout, new RegExp(`Trusted comment: omnigate audit segment ${Number(name)} to `))
      assert.deepEqual(Object.keys(digests), ['checkpoint', 'entries.ndjson', 'segment.json'])
      assert.equal(sum().status, 0)
      writeFileSync(join(segment, 'entries.ndjson'), 'x', { flag: 'a' })
      assert.notEqual(sum().status, 0)
      writeFileSync(join(segment, 'sha256.json'), ' ', { flag: 'a' })
      assert.notEqual(verify().status, 0)
    }
  })
})
