import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EMPTY_LIST } from '../capabilities/revocation-statement.ts'
import { NOT_FOLLOWED, follow, isFresh } from './following.ts'
import type { Followed, Following, RevocationNews } from './following.ts'
import { HOME, NOW_S, capIdOf, endOf, revoker } from './news.fixture.ts'

const first = revoker(1)
const things = [{ cap_id: capIdOf(1) }, { kid: 2 }, { subject: 'agent-7' }]
const list = first.revoke(things)
const at = (ms: number, s = NOW_S + Math.floor(ms / 1000)) => ({ ms, s })

function hear(
  before: Following,
  news: Partial<RevocationNews>,
  { now = at(0), mostStatements = 100, isRevoked = (_key: string): boolean => false } = {}
): Followed {
  const said = { delegations: [first.delegation], statements: [], head: undefined, ...news }
  return follow(HOME, before, said, { now, mostStatements, isRevoked })
}

const known = hear(NOT_FOLLOWED, { statements: list, head: first.headAt(endOf(list), NOW_S) }).state

describe('following a hub', () => {
  test('takes statements in order, each once, and counts a head when all up to it is known', () => {
    const behind = hear(NOT_FOLLOWED, {
      statements: list.slice(0, 1),
      head: first.headAt(endOf(list), NOW_S)
    })
    assert.equal(behind.problem, undefined)
    assert.equal(isFresh(behind.state, 0), false)

    const whole = hear(behind.state, { statements: list, head: first.headAt(endOf(list), NOW_S) })

    assert.deepEqual(
      whole.taken.map(({ statement }) => statement.seq),
      [2, 3]
    )
    assert.equal(isFresh(whole.state, 0), true)
    assert.deepEqual(whole.state.head, { ...endOf(list), epoch: 1 })
  })

  test('a head is good for a minute from when it was made, or came, whichever was earlier', () => {
    assert.equal(isFresh(known, 59_999), true)
    assert.equal(isFresh(known, 60_000), false)
    const slow = hear(
      known,
      { head: first.headAt(endOf(list), NOW_S - 30) },
      { now: at(60_000, NOW_S) }
    ).state
    assert.equal(isFresh(slow, 60_000 + 29_999), true)
    assert.equal(isFresh(slow, 60_000 + 30_000), false)
    const ahead = hear(known, { head: first.headAt(endOf(list), NOW_S + 60) }).state
    assert.equal(isFresh(ahead, 59_999), true)
    assert.equal(isFresh(ahead, 60_000), false)
    const older = hear(known, { head: first.headAt(endOf(list), NOW_S - 50) }).state
    assert.equal(isFresh(older, 59_999), true)
  })

  test('what is wrong is named, and leaves what was known', () => {
    const end = endOf(list)
    const other = revoker(2)
    const wrong: readonly (readonly [Partial<RevocationNews>, Followed['problem']])[] = [
      [{ head: first.headAt(end, NOW_S - 61) }, 'head_time'],
      [{ head: first.headAt(end, NOW_S + 61) }, 'head_time'],
      [{ head: other.headAt(end, NOW_S) }, 'head_key'],
      [{ head: first.headAt(end, NOW_S, { epoch: 2 }) }, 'head_key'],
      [
        { head: { ...first.headAt(end, NOW_S), signature: first.headAt(end, NOW_S + 1).signature } },
        'head_signature'
      ],
      [{ head: first.headAt({ ...end, digest: 'ab'.repeat(32) }, NOW_S) }, 'fork'],
      [{ head: first.headAt(endOf(list.slice(0, 2)), NOW_S) }, 'fork'],
      [{ head: first.headAt(EMPTY_LIST, NOW_S) }, 'fork'],
      [{ statements: first.revoke([{ kid: 9 }], { seq: 3, digest: 'ab'.repeat(32) }) }, 'statement'],
      [{ statements: first.revoke([{ kid: 9 }], { seq: 4, digest: end.digest }) }, 'statement'],
      [{ statements: other.revoke([{ kid: 9 }], end) }, 'statement'],
      [{ delegations: [{ ...other.delegation, signature: first.delegation.signature }] }, 'delegation']
    ]
    for (const [news, problem] of wrong) {
      const heard = hear({ ...known, freshUntilMs: 5 }, news)
      assert.equal(heard.problem, problem)
      assert.deepEqual(heard.state.head, known.head)
      assert.equal(heard.state.freshUntilMs, 5)
    }
  })

  test('two delegations for one epoch are never both taken', () => {
    const { delegation } = revoker(1, { seq: 0, digest: '00'.repeat(32) })

    const heard = hear(known, { delegations: [delegation] })

    assert.equal(heard.problem, 'equivocation')
    assert.deepEqual(heard.state.delegations, known.delegations)
  })

  test('a key that was replaced says nothing any more, and what it said beyond is undone', () => {
    const after = endOf(list.slice(0, 2))
    const second = revoker(2, after)
    const rightful = second.revoke([{ cap_id: capIdOf(5) }], after)

    const heard = hear(known, { delegations: [first.delegation, second.delegation], statements: rightful })
    assert.equal(heard.isAnew, true)
    assert.equal(heard.state.head.seq, 0)
    assert.equal(isFresh(heard.state, 0), false)

    const anew = hear(heard.state, {
      statements: [...list.slice(0, 2), ...rightful],
      head: second.headAt(endOf(rightful), NOW_S)
    })
    assert.equal(anew.problem, undefined)
    assert.equal(anew.taken.length, 3)
    assert.equal(isFresh(anew.state, 0), true)
    assert.equal(hear(anew.state, { head: first.headAt(endOf(rightful), NOW_S) }).problem, 'head_key')
  })

  test('a key that its hub has revoked makes no head', () => {
    const head = first.headAt(endOf(list), NOW_S)
    const isRevoked = (key: string) => key === first.delegation.statement.key

    const { state, problem } = hear(NOT_FOLLOWED, { statements: list, head }, { isRevoked })

    assert.deepEqual([problem, isFresh(state, 0)], ['head_key', false])
  })

  test('stops where there is no room, and its head counts no more', () => {
    const { state, taken, problem } = hear(
      NOT_FOLLOWED,
      { statements: list, head: first.headAt(endOf(list), NOW_S) },
      { mostStatements: 2 }
    )

    assert.deepEqual([taken.length, problem, isFresh(state, 0)], [2, 'full', false])
  })
})
