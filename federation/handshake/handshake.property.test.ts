import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Network } from './attacker.fixture.ts'
import type { Machine, Move } from './attacker.fixture.ts'
import { hubOf, isProof, peerOf } from './handshake.fixture.ts'
import type { Established } from './party.ts'
import { transcriptDigest } from './transcript.ts'

const RUNS = 1200
const n = fc.nat(1000)
/** Any machine, or one of those whose connection goes to the attacker. */
const target = fc.oneof(n, fc.constantFrom(7, 8, 9))
const pass = fc.record({ do: fc.constant('pass' as const), wire: n })
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 10, arbitrary: pass },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), wire: n }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const), to: target, message: n }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('flip' as const), to: target, message: n, at: n, bit: n })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('forge' as const),
      to: target,
      message: n,
      as: fc.constantFrom('a', 'b', 'm', 'm'),
      purpose: fc.constantFrom('link' as const, 'link' as const, 'pair' as const)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1500) }) }
)

const linked = ({ outcomes }: Machine): readonly Established[] =>
  outcomes.filter((outcome): outcome is Established => outcome.kind === 'linked' || outcome.kind === 'paired')

/** Whether a node of that hub took part in this very handshake, on the other end of this machine's. */
function tookPart(
  machine: Machine,
  { hub, transcript, role }: Established,
  machines: readonly Machine[]
): boolean {
  const others = machines.filter(
    other => other.party.delegation.statement.hub === hub && other.dialled.peer === machine.party.peerId
  )
  if (role === 'initiator')
    return others.some(other => linked(other).some(({ transcript: id }) => id === transcript))
  const answer = machine.sent.find(isProof)!
  return others.some(
    ({ signed }) =>
      signed !== undefined &&
      Buffer.from(transcriptDigest([...signed, answer.body])).toString('hex') === transcript
  )
}

test('whatever an attacker does, who is linked with a hub spoke with a node of it, and once', () => {
  const seen = { linked: 0, withAttacker: 0, refused: 0 }
  fc.assert(
    fc.property(fc.array(moves, { minLength: 4, maxLength: 40 }), script => {
      const network = new Network()

      for (const move of script) network.play(move)

      const ids: string[] = []
      for (const machine of network.machines) {
        const found = linked(machine)
        assert.ok(found.length <= 1, 'one machine, two links')
        seen.refused += machine.outcomes.length - found.length
        for (const each of found) {
          ids.push(`${each.role} ${each.transcript}`)
          assert.equal(each.peer, machine.dialled.peer)
          if (each.hub === hubOf('m')) {
            seen.withAttacker++
            assert.equal(each.peer, peerOf('m'))
          } else {
            seen.linked++
            assert.ok(tookPart(machine, each, network.machines), `${each.role} is linked with nobody`)
          }
        }
      }
      assert.equal(new Set(ids).size, ids.length, 'two links of one transcript')
    }),
    { numRuns: RUNS }
  )
  // A property that nothing reaches shows nothing.
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 10, `${what}: ${times}`)
})

test('without the attacker both ends of every wire between a and b are linked', () => {
  const network = new Network()
  for (let turn = 0; turn < 4; turn++) {
    for (const wire of [0, 1, 2]) network.play({ do: 'pass', wire })
  }

  for (const [left, right] of network.wires.slice(0, 3)) {
    assert.deepEqual(
      linked(left).map(({ transcript }) => transcript),
      linked(right).map(({ transcript }) => transcript)
    )
    assert.equal(linked(left).length, 1)
  }
})
