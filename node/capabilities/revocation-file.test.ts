import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { publicBytes, signingKey } from '../../federation/index.ts'
import { EXIT, SetupError } from '../setup-error.ts'
import { emptyFiles, openRevocationFile } from './revocation-file.ts'
import type { RevocationPaths } from './revocation-file.ts'
import { RevocationList } from './revocation-list.ts'
import { SIGNER } from './revocation.fixture.ts'

const NOW = { nowS: 2000 }

test('keeps what was revoked from one opening to the next', async t => {
  const paths = files(t)
  const first = await openList(paths)
  await first.revoke([{ kid: 1 }], { ...NOW, reason: 'lost — é' })
  await first.revoke([{ subject: 'robot' }], NOW)

  const second = await openList(paths)
  await second.revoke([{ kid: 2 }], NOW)

  const third = await openList(paths)
  assert.equal(third.seq, 3)
  assert.deepEqual(third.from(0, 2), first.from(0, 2))
  assert.ok(third.isRevoked({ capId: '', kid: 1, subject: 'robot' }))
})

test('cuts off what a crash left of a line, wherever it was cut', async t => {
  const paths = files(t)
  const list = await openList(paths)
  await list.revoke([{ kid: 1 }], NOW)
  const [before, head] = read(paths)
  await list.revoke([{ kid: 2 }], { ...NOW, reason: 'é' })
  const [after] = read(paths)

  for (let cut = before.length + 1; cut < after.length; cut += 7) {
    writeFileSync(paths.list, after.subarray(0, cut))
    writeFileSync(paths.head, head)
    const file = await openRevocationFile(paths, SIGNER)
    assert.deepEqual([file.lines.length, file.tornBytes], [1, cut - before.length])
    assert.deepEqual(read(paths)[0], before)
  }
})

test('takes a whole line that a crash kept from being answered for', async t => {
  const paths = files(t)
  const list = await openList(paths)
  const [, head] = read(paths)
  await list.revoke([{ kid: 1 }], NOW)
  writeFileSync(paths.head, head)

  assert.equal((await openList(paths)).seq, 1)

  truncateSync(paths.list)
  await assert.rejects(openList(paths), refusal(/holds 0 statements, but 1 have been answered for/))
})

test('takes no list that has lost what was answered for', async t => {
  const paths = files(t)
  await (await openList(paths)).revoke([{ kid: 1 }, { kid: 2 }], NOW)
  const [list] = read(paths)

  for (const left of [0, list.indexOf('\n') + 1, list.length - 1]) {
    writeFileSync(paths.list, list.subarray(0, left))
    await assert.rejects(openList(paths), refusal(/statements, but 2 have been answered for/))
  }
})

test('refuses a list with any one byte changed, and says where', async t => {
  const paths = files(t)
  await (await openList(paths)).revoke([{ kid: 1 }, { kid: 2 }, { kid: 3 }], NOW)
  const [list] = read(paths)

  for (let at = 0; at < list.length; at += 3) {
    const changed = Buffer.from(list)
    changed[at]! ^= 1
    writeFileSync(paths.list, changed)
    await assert.rejects(
      openList(paths),
      refusal(/revocations.ndjson: (statement [1-4]: |holds 2 statements)/),
      `byte ${at}`
    )
  }
})

test('refuses a list with a line taken out, doubled, moved or added', async t => {
  const paths = files(t)
  await (await openList(paths)).revoke([{ kid: 1 }, { kid: 2 }, { kid: 3 }], NOW)
  const lines = read(paths)[0].toString().split('\n').slice(0, -1)
  const [a = '', b = '', c = ''] = lines

  for (const changed of [
    [b, c],
    [a, c],
    [a, a, b, c],
    [b, a, c],
    [a, c, b],
    [a, b, c, c],
    [a, b, c, '{}'],
    [a, b, c, '']
  ]) {
    writeFileSync(paths.list, changed.map(line => `${line}\n`).join(''))
    await assert.rejects(openList(paths), refusal(/statement \d: |have been answered for/))
  }
})

test('refuses the list of another key, and of another hub', async t => {
  const paths = files(t)
  await (await openList(paths)).revoke([{ kid: 1 }], NOW)
  const key = signingKey(new Uint8Array(32).fill(8))
  const publicKey = Buffer.from(publicBytes(key)).toString('hex')

  await assert.rejects(
    openRevocationFile(paths, { ...SIGNER, key, publicKey }),
    refusal(/signed by another key/)
  )
  await assert.rejects(
    openRevocationFile(paths, { ...SIGNER, hub: `h1${'a'.repeat(52)}` }),
    refusal(/made by another hub/)
  )
})

test('refuses a head that is none, and says when a file is missing', async t => {
  const paths = files(t)
  const [, head] = read(paths)

  for (const wrong of [
    '',
    '{',
    'null',
    '{"digest":"","seq":0}\n',
    head.toString().trim(),
    `${head.toString()} `
  ]) {
    writeFileSync(paths.head, wrong)
    await assert.rejects(openList(paths), refusal(/revocations.head: not the head of a list/))
  }
  writeFileSync(paths.head, head)
  rmSync(paths.list)
  await assert.rejects(openList(paths), /revocations.ndjson: does not exist/)
})

test('writes over what an append that failed has left', async t => {
  const paths = files(t)
  const list = await openList(paths)
  await list.revoke([{ kid: 1 }], NOW)
  appendFileSync(paths.list, '{"signature":"'.padEnd(5000))

  await list.revoke([{ kid: 2 }], NOW)

  assert.equal((await openList(paths)).seq, 2)
})

test('a process killed while it revokes has lost nothing that it told of', async t => {
  const paths = files(t)
  for (let kills = 0; kills < 4; kills++) {
    const told = await revokeUntilKilled(paths, 4 + kills * 5)

    const { seq } = await openList(paths)

    assert.ok(seq >= told && seq <= told + 1, `${seq} after ${told}`)
  }
})

/** Yields the last sequence that the process said it had reached, and kills it right after. */
async function revokeUntilKilled(paths: RevocationPaths, times: number): Promise<number> {
  const script = `
    import { openRevocationFile } from ${JSON.stringify(import.meta.resolve('./revocation-file.ts'))}
    import { RevocationList } from ${JSON.stringify(import.meta.resolve('./revocation-list.ts'))}
    import { SIGNER } from ${JSON.stringify(import.meta.resolve('./revocation.fixture.ts'))}
    const file = await openRevocationFile(${JSON.stringify(paths)}, SIGNER)
    const list = new RevocationList({ signer: SIGNER, lines: file.lines, file })
    for (;;) {
      await list.revoke([{ kid: list.seq + 1 }], { nowS: 2000 })
      console.log(list.seq)
    }`
  return await lastBeforeKilled(script, times)
}

async function openList(paths: RevocationPaths): Promise<RevocationList> {
  const file = await openRevocationFile(paths, SIGNER)
  return new RevocationList({ signer: SIGNER, lines: file.lines, file })
}

function files(t: TestContext): RevocationPaths {
  const folder = mkdtempSync(join(tmpdir(), 'revocations-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const paths = { list: join(folder, 'revocations.ndjson'), head: join(folder, 'revocations.head') }
  const empty = emptyFiles()
  writeFileSync(paths.list, empty.list)
  writeFileSync(paths.head, empty.head)
  return paths
}

const read = ({ list, head }: RevocationPaths): readonly [Buffer, Buffer] => [
  readFileSync(list),
  readFileSync(head)
]

function refusal(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof SetupError, String(error))
    assert.match(error.message, message)
    assert.match(error.message, /restore it from a backup, or move .* away/)
    assert.equal(error.message.includes('\n'), false)
    assert.equal(error.exitCode, EXIT.badInput)
    return true
  }
}
