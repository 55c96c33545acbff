import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkpointsProof,
  delegate,
  equivocationLine,
  formatSigned,
  hubId,
  keysProof,
  openHead,
  parseKeyRecord,
  publicBytes,
  revokeKey,
  signingKey
} from '../../federation/index.ts'
import type { Equivocation } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { PeerKeys } from '../peer-keys/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { ACCUSED_ROWS, Accusations, MOST_ACCUSATIONS } from './accusations.ts'
import { Equivocations } from './equivocations.ts'
import { leavesOf, logHub, logOf } from './log.fixture.ts'

const HUB = logHub.id
const OTHER_ID = hubId(publicBytes(signingKey(new Uint8Array(32).fill(9))))
const NOW_S = 1_795_000_000
const hexOf = (byte: number): string =>
  Buffer.from(publicBytes(signingKey(new Uint8Array(32).fill(byte)))).toString('hex')

const [log, fork] = [logOf(leavesOf(40)), logOf(leavesOf(40, 3))]
const proofAt = (size: number): Equivocation =>
  checkpointsProof(HUB, [
    openHead(log.note(size), log.delegation, HUB).head,
    openHead(fork.note(size), fork.delegation, HUB).head
  ])

/** The other side of a link, which hears of proofs. */
class Other {
  readonly heard: string[] = []
  readonly caller = {
    client: () => ({
      equivocation: async ({ body }: { readonly body: Uint8Array }) => {
        this.heard.push(Buffer.from(body).toString())
        return { result: 'new' }
      }
    })
  } as never
  readonly hub: string

  constructor(hub: string) {
    this.hub = hub
  }
}

async function hearing({
  level,
  self = 'self',
  allowed = true,
  recording = async () => undefined
}: {
  level?: Level
  self?: string
  allowed?: boolean
  recording?: () => Promise<unknown>
} = {}) {
  const store = level ?? (await openLevel('memory'))
  const events: AuditEvent[] = []
  const keys = await PeerKeys.open(() => store, {
    isAllowed: hub => allowed && hub === HUB,
    record: async event => {
      await recording()
      events.push(event)
    },
    seconds: () => NOW_S
  })
  const others = [new Other('one'), new Other('two')]
  const errors: string[] = []
  let ms = 0
  const equivocations = new Equivocations({
    self,
    keys,
    links: () => others,
    treatyOf: () => undefined,
    kinds: {},
    now: () => ms,
    seconds: () => NOW_S,
    accusations: await Accusations.open(() => store),
    record: async event => {
      await recording()
      events.push(event)
    },
    log: {
      warn: () => undefined,
      debug: () => undefined,
      error: ({ event }: { readonly event: string }) => void errors.push(event)
    } as never
  })
  const hear = (line: string, hub = OTHER_ID) => {
    ms += 1000
    return Promise.resolve(equivocations.heard({ body: Buffer.from(line) }, { hub } as never, {} as never))
  }
  return { store, keys, others, equivocations, hear, events, errors }
}

test('a proof is durable before its hub is in quarantine, and outlives the process', async () => {
  const { store, keys, others, hear, events } = await hearing()
  const line = equivocationLine(proofAt(20))

  assert.deepEqual(await hear(line), { result: 'new' })

  assert.match(keys.quarantine(HUB)!, /two heads/)
  assert.deepEqual(
    events.map(({ content }) => content.type),
    ['peer_key']
  )
  assert.deepEqual(
    others.map(({ heard }) => heard),
    [[line], [line]]
  )
  assert.deepEqual(await hear(line, 'two'), { result: 'known' })
  const again = await hearing({ level: store })
  assert.match(again.keys.quarantine(HUB)!, /two heads/)
  assert.deepEqual(await again.hear(line), { result: 'known' })
  assert.equal(again.equivocations.all()[0]!.line, line)
})

test('a proof that cannot be recorded puts nobody in quarantine, and may be told again', async () => {
  let isBroken = true
  const { keys, hear } = await hearing({
    recording: () => (isBroken ? Promise.reject(new Error('no log')) : Promise.resolve())
  })
  const line = equivocationLine(proofAt(20))

  await assert.rejects(hear(line), /no log/)
  assert.equal(keys.quarantine(HUB), undefined)
  isBroken = false
  assert.deepEqual(await hear(line), { result: 'new' })

  assert.match(keys.quarantine(HUB)!, /two heads/)
})

test('what proves nothing is refused by name, and nobody is in quarantine for it', async () => {
  const { keys, others, hear, equivocations, events } = await hearing()
  const good = proofAt(20) as Extract<Equivocation, { readonly kind: 'checkpoints' }>
  const bad = [
    ['form', 'x'],
    ['form', equivocationLine(good).slice(0, -1)],
    ['order', equivocationLine({ ...good, notes: [good.notes[1], good.notes[0]] })],
    [
      'signature',
      equivocationLine({ ...good, notes: [good.notes[0], good.notes[1].replace('\n20\n', '\n21\n')] })
    ]
  ] as const
  for (const [code, line] of bad) await assert.rejects(hear(line), { code })

  assert.equal(keys.quarantine(HUB), undefined)
  assert.equal(equivocations.refused, bad.length)
  assert.deepEqual([events, others.flatMap(({ heard }) => heard)], [[], []])
})

test('one against a hub that is not allowed, or this one, changes nothing', async () => {
  const line = equivocationLine(proofAt(20))
  const stranger = await hearing({ allowed: false })
  assert.deepEqual(await stranger.hear(line), { result: 'ignored' })
  const accused = await hearing({ self: HUB })
  assert.deepEqual(await accused.hear(line), { result: 'ignored' })
  assert.deepEqual([accused.errors, accused.keys.quarantine(HUB)], [['Accused'], undefined])
})

test('a proof against this hub is told to its operator once, recorded, also over a restart', async () => {
  const { hear, events, errors, equivocations, store } = await hearing({ self: HUB })
  const line = equivocationLine(proofAt(20))

  await Promise.all([hear(line), hear(line)])
  await hear(line)
  const again = await hearing({ self: HUB, level: store })
  await again.hear(line)
  await again.hear(equivocationLine(proofAt(21)))

  assert.deepEqual(errors, ['Accused'])
  assert.deepEqual(
    events.map(({ content: { type, data } }) => [type, data['hub'], data['kind']]),
    [['accused', OTHER_ID, 'checkpoints']]
  )
  assert.deepEqual([equivocations.accused, again.errors, again.equivocations.accused], [1, ['Accused'], 1])
  assert.equal((await Accusations.open(() => store)).count, 2)
})

test('a proof against this hub that cannot be recorded is told again', async () => {
  let isBroken = true
  const { hear, errors } = await hearing({
    self: HUB,
    recording: () => (isBroken ? Promise.reject(new Error('no log')) : Promise.resolve())
  })
  const line = equivocationLine(proofAt(20))

  await assert.rejects(hear(line), /no log/)
  isBroken = false
  await hear(line)

  assert.deepEqual(errors, ['Accused'])
})

test('so many accusations are kept, and a damaged one counts', async () => {
  const level = await openLevel('memory')
  const accusations = await Accusations.open(() => level)
  const tell = async (): Promise<void> => undefined
  for (let n = 0; n < MOST_ACCUSATIONS; n++) assert.equal(await accusations.hear(`proof ${n}`, n, tell), true)
  assert.equal(await accusations.hear('one more', 1, tell), false)
  await level
    .sublevel<string, Uint8Array>(ACCUSED_ROWS, { valueEncoding: 'view' })
    .put('proof 0', new Uint8Array(3))

  const again = await Accusations.open(() => level)
  assert.deepEqual([again.count, again.newestAt], [MOST_ACCUSATIONS, MOST_ACCUSATIONS - 1])
})

test('one by a key that the hub had revoked is ignored', async () => {
  const { keys, hear } = await hearing()
  const statement = { at: NOW_S, hub: HUB, key: hexOf(40), reason: 'stolen' }
  await keys.learn([{ kind: 'key_revocation', record: revokeKey(logHub.key, statement) }])

  assert.deepEqual(await hear(equivocationLine(proofAt(20))), { result: 'ignored' })
})

test('two delegations of one epoch are told in the same form, and learned of', async () => {
  const line = (byte: number) =>
    formatSigned(
      delegate(logHub.key, {
        epoch: 1,
        hub: HUB,
        key: hexOf(byte),
        node: 'main',
        not_after: NOW_S + 100,
        not_before: NOW_S,
        role: 'message'
      })
    )
  const proof = equivocationLine(keysProof('delegations', HUB, [line(60), line(61)]))
  const { keys, hear, equivocations, others } = await hearing()

  assert.deepEqual(await hear(proof), { result: 'new' })
  assert.deepEqual(await hear(proof), { result: 'known' })
  assert.match(keys.quarantine(HUB)!, /two delegations/)
  assert.equal(equivocations.all()[0]!.line, proof)

  // What is found in records that come over a link is told, too.
  const found = await hearing()
  await found.keys.learn([line(60), line(61)].map(parseKeyRecord))
  assert.deepEqual(
    found.others.map(({ heard }) => heard),
    [[proof], [proof]]
  )
  assert.deepEqual(others[0]!.heard, [proof])
})

test('what was decided on puts nobody in quarantine again, and another proof does', async () => {
  const { keys, hear, equivocations } = await hearing()
  await hear(equivocationLine(proofAt(20)))
  await keys.release(HUB)

  assert.deepEqual(await hear(equivocationLine(proofAt(20))), { result: 'known' })
  assert.equal(keys.quarantine(HUB), undefined)
  assert.equal(equivocations.all()[0]!.decidedAt, NOW_S)
  assert.deepEqual(await hear(equivocationLine(proofAt(21))), { result: 'new' })
  assert.notEqual(keys.quarantine(HUB), undefined)
})

test('one that was decided on and gave way to later ones puts nobody in quarantine again, also over a restart', async () => {
  const { store, keys, hear } = await hearing()
  const lines = Array.from({ length: 18 }, (_, n) => equivocationLine(proofAt(20 + n)))
  for (const line of lines) {
    assert.deepEqual(await hear(line), { result: 'new' })
    await keys.release(HUB)
  }

  assert.equal(keys.proofs(HUB).length, 16)
  assert.deepEqual(await hear(lines[0]!), { result: 'known' })
  const again = await hearing({ level: store })
  assert.equal(again.keys.proofs(HUB).length, 16)
  assert.deepEqual(await again.hear(lines[1]!), { result: 'known' })
  assert.deepEqual([keys.quarantine(HUB), again.keys.quarantine(HUB)], [undefined, undefined])

  assert.deepEqual(await again.hear(equivocationLine(proofAt(39))), { result: 'new' })
})

test('a hub that tells too much is told to wait', async () => {
  const { equivocations } = await hearing()
  const tell = () =>
    Promise.resolve(equivocations.heard({ body: Buffer.from('x') }, { hub: 'one' } as never, {} as never))
  for (let n = 0; n < 64; n++) await assert.rejects(tell(), { code: 'form' })
  await assert.rejects(tell, (error: unknown) => error instanceof OapError && error.code === 'quota_peer')
})

test('a link that comes up is told what is held', async () => {
  const { equivocations, hear } = await hearing()
  await hear(equivocationLine(proofAt(20)))
  const late = new Other('late')

  await equivocations.up(late)

  assert.deepEqual(late.heard, [equivocationLine(proofAt(20))])
})
