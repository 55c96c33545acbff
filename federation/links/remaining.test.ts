import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LINKS } from './numbers.ts'
import { remaining } from './remaining.ts'
import type { ProvenConnection } from './remaining.ts'

const NODES = ['12D3KooWa', '12D3KooWb'] as const
const from = (self: string): string => (self === NODES[0] ? NODES[1] : NODES[0])

/** A connection that `dialler` opened, as `self` sees it. */
const seenBy = (self: string, dialler: string, sinceMs: number): ProvenConnection => ({
  peer: from(self),
  boot: `boot of ${from(self)}`,
  isOurs: dialler === self,
  sinceMs
})

/** Who dialled the one that remains, for a node that has an old one and gets a new one. */
function kept(self: string, oldBy: string, newBy: string, { ageMs }: { readonly ageMs: number }): string {
  const old = seenBy(self, oldBy, 1000)
  const choice = remaining(old, seenBy(self, newBy, 1000 + ageMs), { self, nowMs: 1000 + ageMs })
  assert.notEqual(choice, 'probe')
  return choice === 'old' ? oldBy : newBy
}

test('two nodes that dialled each other keep the same connection, whichever came first to either', () => {
  const order = fc.constantFrom<readonly [string, string]>([NODES[0], NODES[1]], [NODES[1], NODES[0]])
  fc.assert(
    fc.property(
      order,
      order,
      fc.nat(LINKS.simultaneousMs),
      fc.nat(LINKS.simultaneousMs),
      (first, second, left, right) => {
        const atFirst = kept(NODES[0], ...first, { ageMs: left })
        const atSecond = kept(NODES[1], ...second, { ageMs: right })

        assert.deepEqual([atFirst, atSecond], [NODES[0], NODES[0]])
      }
    )
  )
})

test('a node that dials again has lost its link: the other side takes the new one', () => {
  assert.equal(kept(NODES[0], NODES[0], NODES[1], { ageMs: LINKS.simultaneousMs + 1 }), NODES[1])
  assert.equal(kept(NODES[1], NODES[0], NODES[1], { ageMs: LINKS.simultaneousMs + 1 }), NODES[0])
})

test('of two connections that one side dialled the newer remains', () => {
  for (const self of NODES) {
    for (const dialler of NODES) {
      const old = seenBy(self, dialler, 0)
      assert.equal(remaining(old, seenBy(self, dialler, 1), { self, nowMs: 1 }), 'new')
    }
  }
})

test('another node of the hub, and one that started anew or runs twice, must wait for a probe', () => {
  const [self] = NODES
  const old = seenBy(self, self, 0)
  for (const change of [{ peer: '12D3KooWc' }, { boot: 'another' }]) {
    assert.equal(remaining(old, { ...old, ...change }, { self, nowMs: 99_999 }), 'probe')
  }
})
