import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { DEFAULT_POLICY } from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { LivePolicy } from './live-policy.ts'
import { BUILT_IN, inForce } from './policy-in-force.ts'
import { MAX_POLICIES, PolicyRows } from './policy-rows.ts'

const policyOf = (version: number) => ({ ...DEFAULT_POLICY, version })

interface Place {
  readonly path: string
  readonly level: Level
  readonly entries: Record<string, unknown>[]
  /** Writes the file, so that it is seen as another even within one tick of the file system's clock. */
  readonly write: (text: string) => void
  readonly open: (path?: string, record?: (event: AuditEvent) => Promise<void>) => Promise<LivePolicy>
}

async function place(t: TestContext): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-policy-'))
  const level = await openLevel('memory')
  t.after(() => level.close())
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'policy.json')
  const entries: Record<string, unknown>[] = []
  let times = 0
  return {
    path,
    level,
    entries,
    write(text) {
      writeFileSync(path, text)
      utimesSync(path, ++times, times)
    },
    async open(at, record) {
      const rows = await PolicyRows.open(() => level)
      return LivePolicy.open({
        path: at,
        rows,
        record: async event => {
          await record?.(event)
          entries.push(event.content.data)
        }
      })
    }
  }
}

describe('without a file', () => {
  test('the built-in policy holds, and nothing is recorded', async t => {
    const { open, entries, level } = await place(t)

    const live = await open()
    assert.deepEqual(live.current, BUILT_IN)
    assert.deepEqual(await live.look(), { is: 'same' })
    assert.deepEqual(entries, [])
    assert.deepEqual((await PolicyRows.open(() => level)).get(BUILT_IN.hash), DEFAULT_POLICY)
  })
})

describe('a file', () => {
  test('holds from the start, and is recorded once, also over another start', async t => {
    const { path, write, open, entries } = await place(t)
    write(JSON.stringify(policyOf(2)))

    const live = await open(path)
    await open(path)
    const { hash } = inForce(policyOf(2))

    assert.deepEqual(live.current.hash, hash)
    assert.deepEqual(entries, [{ change: 'load', version: 2, policy_hash: hash }])
    await open()
    assert.deepEqual(entries.at(-1), { change: 'load', version: 1, policy_hash: BUILT_IN.hash })
  })

  test('that is none keeps a node from starting, and is named with all that is wrong', async t => {
    const { path, write, open } = await place(t)
    await assert.rejects(open(path), /^ConfigError: federation\.policy: .*policy\.json: does not exist/)
    write('{"policy":1,"version":0}')

    await assert.rejects(open(path), (error: Error) => {
      assert.match(error.message, /federation\.policy: .*policy\.json: version: not a whole number/)
      assert.match(error.message, /accept_from: missing/)
      return true
    })
    write(' '.repeat(70_000))
    await assert.rejects(open(path), (error: Error) => {
      assert.match(error.message, /larger than 65536 bytes.*write it as omnigate policy check says/)
      assert.doesNotMatch(error.message, /backup/)
      return true
    })
    await assert.rejects(open(dirname(path)), /not a regular file; write it as/)
  })

  test('that changes holds, recorded and kept before anything is judged by it', async t => {
    const { path, level, write, open, entries } = await place(t)
    write(JSON.stringify(policyOf(2)))
    const log = Promise.withResolvers<void>()
    const live = await open(path, event =>
      event.content.data['version'] === 3 ? log.promise : Promise.resolve()
    )

    write(JSON.stringify(policyOf(3)))
    const looking = live.look()
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(live.current.policy.version, 2)
    log.resolve()
    const news = await looking

    assert.equal(news.is, 'loaded')
    assert.equal(live.current.policy.version, 3)
    assert.equal(entries.at(-1)?.['version'], 3)
    const rows = await PolicyRows.open(() => level)
    assert.equal(rows.last, live.current.hash)
    assert.deepEqual(await live.look(), { is: 'same' })
  })

  test('that is written otherwise, and says the same, is the same', async t => {
    const { path, write, open, entries } = await place(t)
    write(JSON.stringify(policyOf(2)))
    const live = await open(path)

    write(JSON.stringify(policyOf(2), undefined, 2))

    assert.deepEqual(await live.look(), { is: 'same' })
    assert.equal(entries.length, 1)
  })

  test('that becomes wrong, or goes, changes nothing, is recorded and told once, until it is mended', async t => {
    const { path, write, open, entries } = await place(t)
    write(JSON.stringify(policyOf(2)))
    const live = await open(path)

    write('{"policy":1')
    assert.equal((await live.look()).is, 'refused')
    assert.deepEqual(await live.look(), { is: 'same' })
    assert.equal(live.current.policy.version, 2)
    assert.match(live.problem ?? '', /policy\.json/)
    assert.deepEqual([entries.length, entries.at(-1)?.['change']], [2, 'refuse'])
    rmSync(path)
    assert.equal((await live.look()).is, 'refused')
    assert.match(live.problem ?? '', /does not exist/)
    write(JSON.stringify(policyOf(2)))

    assert.deepEqual(await live.look(), { is: 'same' })
    assert.equal(live.problem, undefined)
  })

  test('whose change cannot be recorded does not hold yet, and is looked at again', async t => {
    const { path, write, open } = await place(t)
    write(JSON.stringify(policyOf(2)))
    let isBroken = false
    const live = await open(path, () => (isBroken ? Promise.reject(new Error('no log')) : Promise.resolve()))
    write(JSON.stringify(policyOf(3)))
    isBroken = true

    await assert.rejects(live.look(), /no log/)
    assert.equal(live.current.policy.version, 2)
    isBroken = false
    await live.look()
    assert.equal(live.current.policy.version, 3)
  })
})

test('policies of the past are kept by hash, up to a bound, the newest', async t => {
  const { level } = await place(t)
  const rows = await PolicyRows.open(() => level)
  const all = Array.from({ length: MAX_POLICIES + 2 }, (_, n) => inForce(policyOf(n + 1)))
  for (const policy of all) await rows.keep(policy)

  const again = await PolicyRows.open(() => level)
  assert.equal(again.get(all[1]!.hash), undefined)
  assert.deepEqual(again.get(all[2]!.hash), all[2]!.policy)
  assert.equal(again.last, all.at(-1)!.hash)
})
