import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { echoService } from '../../protocols/index.ts'
import { canonicalJson } from '../../federation/index.ts'
import { AuditNames } from './audit-names.ts'
import type { AuditEvent } from './audit-event.ts'
import { commitment } from './commitments.ts'
import { MAX_LINE_BYTES, encodeEntry, parseEntry } from './entry.ts'
import { EVENT_TYPES, type EventType, auditEvent } from './events.ts'
import { HUB_ID, scratchLog } from './log.fixture.ts'

const NAMES = new AuditNames([echoService], ['http'])
const DIGEST = 'ab'.repeat(32)
const CAP_ID = '0a'.repeat(16)
const TENANT = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const ORIGIN = `${HUB_ID}/node1/0123456789abcdef`

/** One good entry of each type. */
const GOOD: { readonly [T in EventType]: Readonly<Record<string, unknown>> } = {
  start: { version: '0.1.0', boot: 1, config_sha256: DIGEST },
  stop: { cause: 'signal', uptime_ms: 1 },
  config_change: { keys: ['log.level', 'http.listen'], before_sha256: DIGEST, after_sha256: DIGEST },
  harden: { keys: ['gateway.write_mode'], before_sha256: DIGEST, after_sha256: DIGEST },
  mint: {
    cap_id: CAP_ID,
    kid: 1,
    tenant: TENANT,
    expires_s: 1,
    bearer: false,
    caveats: 3,
    caveats_sha256: DIGEST
  },
  renew: { cap_id: CAP_ID, kid: 1, expires_s: 2 },
  rotate: { kid: 2, previous: 1, grace_s: 172_800, break_glass: false },
  delegation: { role: 'link', epoch: 2, key_sha256: DIGEST, node_sha256: DIGEST, not_after_s: 1 },
  succession: { hub: HUB_ID, successor: HUB_ID, origin: ORIGIN, size: 4, root: DIGEST },
  key_revocation: { key_sha256: DIGEST, reason_sha256: DIGEST },
  revocation_key: { epoch: 2, key_sha256: 'ab'.repeat(32) },
  revoke: { cap_id: CAP_ID, reason_sha256: DIGEST, revocation_seq: 1 },
  tenant: { tenant: TENANT, change: 'limit', limits_sha256: DIGEST },
  handshake: {
    outcome: 'linked',
    role: 'initiator',
    hub: HUB_ID,
    transcript: DIGEST,
    skew_s: 3,
    ahead: true
  },
  handshake_refused: {
    code: 'wrong_key',
    role: 'responder',
    hub: HUB_ID,
    transcript: DIGEST,
    skew_s: 4,
    ahead: false,
    told: 'other'
  },
  link: { hub: HUB_ID, change: 'down', transcript: DIGEST, reason: 'silent' },
  invite: { invite_sha256: DIGEST, change: 'open', hub: HUB_ID, expires_s: 1 },
  exchange: { hub: HUB_ID, role: 'audience', origin_cap_id: CAP_ID, cap_id: CAP_ID, expires_s: 1 },
  exchange_refused: {
    hub: HUB_ID,
    role: 'origin',
    code: 'turned_away',
    origin_cap_id: CAP_ID,
    told: 'head'
  },
  revocations_refused: { hub: HUB_ID, code: 'fork' },
  snapshot: { seq: 7, sha256: DIGEST },
  peer_snapshot: { hub: HUB_ID, seq: 7, sha256: DIGEST, verdict: 'next' },
  accused: { hub: HUB_ID, kind: 'checkpoints', proof: DIGEST },
  peer_forget: { hub: HUB_ID, what: 'logs', count: 3 },
  snapshot_refused: { hub: HUB_ID, code: 'split', seq: 7, sha256: DIGEST },
  directed_refused: { hub: HUB_ID, code: 'not_shared', id_sha256: DIGEST },
  receipt_refused: { hub: HUB_ID, code: 'other', id_sha256: DIGEST },
  share_refused: { hub: HUB_ID, code: 'signature' },
  relay: { hub: HUB_ID, app: 1, bytes: 5 },
  peer: { hub: HUB_ID, change: 'succeed', treaty_sha256: DIGEST, successor: HUB_ID },
  peer_key: { hub: HUB_ID, change: 'quarantine', sha256: DIGEST },
  policy: { change: 'load', version: 3, policy_hash: DIGEST, file_sha256: DIGEST },
  acceptance: {
    evidence: {
      kind: 'mailbox.shared',
      origin: HUB_ID,
      share: CAP_ID,
      id: DIGEST,
      type: 'mailbox.message',
      bytes: 300_000,
      number: 7,
      standing: 'allowed',
      signature: 'valid'
    },
    record: {
      decision: 'quarantine',
      score: -15,
      policy_version: 1,
      policy_hash: DIGEST,
      signals: [
        { rule: 'known_type', weight: 10 },
        { rule: 'large_body', weight: -25 }
      ],
      reasons: ['known_type', 'large_body'],
      decided_at: 1
    }
  },
  accepted: {
    kind: 'mailbox.shared',
    policy_version: 1,
    policy_hash: DIGEST,
    count: 4,
    from_ms: 1,
    until_ms: 2
  },
  quarantine: { id: DIGEST, origin: HUB_ID, change: 'reject', released: true },
  token: { change: 'add', name_sha256: DIGEST, role: 'admin' },
  proof_secret: { change: 'change', name_sha256: DIGEST },
  torn_tail: { bytes: 5, sha256: DIGEST },
  seal: { first: 0, entries: 4, sha256: DIGEST },
  prune: { before: 4, entries: 4, bytes: 1000 },
  scrub: { blocks: 5, bytes: 1000, rotten: 1, repaired: 1 },
  'federation.handshake': {
    hub: HUB_ID,
    target_sha256: DIGEST,
    linked: true,
    signature: true,
    allowlisted: true,
    freshness: false,
    error: 'skewed'
  },
  'ams.envelope.created': { sha256: DIGEST, id_sha256: DIGEST, n: 0, status: 'queued', type_sha256: DIGEST },
  'ams.envelope.updated': {
    sha256: DIGEST,
    id_sha256: DIGEST,
    n: 1,
    status: 'accepted',
    type_sha256: DIGEST,
    thread_sha256: DIGEST,
    from_sha256: DIGEST,
    to_sha256: DIGEST
  },
  'ams.envelope.redacted': {
    sha256: DIGEST,
    id_sha256: DIGEST,
    n: 2,
    status: 'accepted',
    type_sha256: DIGEST
  },
  'ams.removed': { what: 'artifact', id_sha256: DIGEST, reason_sha256: DIGEST },
  'ams.retention': {
    at_ms: 1,
    days: 2,
    count: 3,
    envelopes: 4,
    messages: 5,
    records: 6,
    artifacts: 7,
    bytes: 8
  },
  'ams.sender': { change: 'block', from_sha256: DIGEST, reason_sha256: DIGEST },
  'artifact.upserted': { key_sha256: DIGEST, sha256: DIGEST, bytes: 5, content_type_sha256: DIGEST },
  'room.message': { id_sha256: DIGEST, room_sha256: DIGEST, kind_sha256: DIGEST, from_sha256: DIGEST },
  'notary.record': { id_sha256: DIGEST, sha256: DIGEST, kind_sha256: DIGEST, subject_sha256: DIGEST },
  backup: { size: 4, root: DIGEST },
  restore: { origin: ORIGIN, size: 4, root: DIGEST }
}

// A 3-caveat token as it stands in RON_CAP, a payload, addresses, keys, and words that a peer or operator could choose.
const SECRETS = [
  'MDAxY2xvY2F0aW9uIGgxYWJjZGVmZ2hpamtsbW5vCjAwMTJpZGVudGlmaWVyIHN1cGVyCg',
  'the sealed payload of somebody',
  'the_sealed_word',
  '/ip4/192.0.2.77/tcp/4001/p2p/12D3KooWAbC',
  '192.0.2.77',
  '2001:db8::77',
  'node.example.org',
  'c0ffee'.repeat(12),
  Buffer.alloc(32, 0xc5).toString('base64'),
  Buffer.alloc(32, 0xc5).toString('base64url'),
  'RWQBAgMEBQYHCAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4'
]

const build = (type: EventType, data: object, actor = 'node', ids = {}): AuditEvent =>
  auditEvent(type, actor, data as never, ids)

describe('every type of entry', () => {
  for (const type of EVENT_TYPES) {
    test(`${type} is built from what it says, and says nothing else`, () => {
      const { content } = build(type, GOOD[type])

      assert.equal(content.type, type)
      const { keys, ...data } = content.data
      const { keys: given, ...good } = GOOD[type]
      assert.deepEqual(data, good)
      assert.deepEqual(keys, given && [...(given as string[])].sort())
      assert.throws(() => build(type, { ...GOOD[type], extra: 1 }), /does not have/)
    })

    test(`${type} refuses each member when it is missing where it must be, or of another kind`, () => {
      for (const name of Object.keys(GOOD[type])) {
        for (const wrong of [null, {}, -1, 0.5, 'x y', NaN, [' '], 2 ** 53, Symbol('x')])
          assert.throws(() => build(type, { ...GOOD[type], [name]: wrong }), TypeError, name)
      }
    })
  }
})

test('no builder lets a secret through, in any of its inputs, neither into the log nor into its own complaint', async t => {
  const { folder, open } = await scratchLog(t)
  await using log = await open()
  const complaints: string[] = []
  let tried = 0
  const attempt = async (make: () => AuditEvent): Promise<void> => {
    tried++
    try {
      await log.append(make())
    } catch (error) {
      complaints.push(String(error instanceof Error ? error.stack?.split('\n    at ')[0] : error))
    }
  }

  for (const secret of SECRETS) {
    const ids = { traceId: secret, corrId: secret }
    for (const type of EVENT_TYPES) {
      await attempt(() => build(type, GOOD[type], secret))
      await attempt(() => build(type, GOOD[type], `peer:${secret}`))
      await attempt(() => build(type, GOOD[type], `cap:${secret}`, ids))
      await attempt(() => build(type, GOOD[type], 'local', ids))
      await attempt(() => build(type, { ...GOOD[type], [secret]: secret }))
      for (const name of Object.keys(GOOD[type])) {
        await attempt(() => build(type, { ...GOOD[type], [name]: secret }))
        await attempt(() => build(type, { ...GOOD[type], [name]: [secret] }))
        await attempt(() => build(type, { ...GOOD[type], [name]: { secret } }))
      }
    }
    const outcome = { service: secret, operation: secret, reason: 'cap_denied' }
    await attempt(() => NAMES.refusal('anonymous', outcome, ids))
    await attempt(() => NAMES.refusal(secret, outcome, ids))
    await attempt(() => NAMES.refusal('local', { ...outcome, reason: secret }))
    await attempt(() => NAMES.summary({ ...outcome, count: 1, from_ms: 0, until_ms: 1 }))
    await attempt(() => NAMES.summary({ ...outcome, count: secret as never, from_ms: 0, until_ms: 1 }))
    await attempt(() => NAMES.crash({ part: secret, reason: 'crash_store', restarts: 1 }))
    await attempt(() => NAMES.crash({ part: 'http', reason: secret, restarts: 1 }))
    await attempt(() => build('revoke', { subject_sha256: commitment(secret), revocation_seq: 2 }))
  }

  assert.ok(log.size > SECRETS.length * 10 && tried > log.size)
  const written = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.name.endsWith('.key'))
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('')
  assert.match(written, /"type":"crash"/)
  for (const secret of SECRETS) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('hex'),
      Buffer.from(secret).toString('base64')
    ]) {
      assert.ok(!written.includes(form), form)
      assert.ok(!complaints.some(complaint => complaint.includes(form)), form)
    }
  }
})

test('a revocation is of one capability, root key or subject', () => {
  const revoke = (data: object) => build('revoke', { ...data, revocation_seq: 1 }).content.subject

  assert.equal(revoke({ cap_id: CAP_ID }), `cap:${CAP_ID}`)
  assert.equal(revoke({ kid: 7 }), 'kid:7')
  assert.equal(revoke({ subject_sha256: DIGEST }), 'subject')
  assert.throws(() => revoke({}), TypeError)
  assert.throws(() => revoke({ cap_id: CAP_ID, kid: 7 }), TypeError)
})

test('a principal is one of the closed forms', () => {
  const peer = 'peer:12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
  for (const actor of ['node', 'local', 'anonymous', `hub:${HUB_ID}`, `cap:${CAP_ID}`, peer])
    assert.equal(build('backup', GOOD.backup, actor).content.actor, actor)
  for (const actor of [
    '',
    'root',
    'hub:h1',
    `hub:h1${'a'.repeat(51)}b`,
    'cap:0',
    'peer:x',
    `${peer} `,
    'local\n'
  ])
    assert.throws(() => build('backup', GOOD.backup, actor), /actor is not a principal/)
})

describe('a line', () => {
  const place = { seq: 3, ts: 1_700_000_000_000, id: '00'.repeat(16), prev: '11'.repeat(32) }

  test('is at most 16,384 bytes: longer data become their length and SHA-256', () => {
    const content = build('backup', GOOD.backup).content
    const fits = (length: number) => encodeEntry({ ...content, data: { x: 'é'.repeat(length) } }, place).line
    let largest = 7900
    while (parseEntry(fits(largest + 1)).data['sha256'] === undefined) largest++

    assert.ok(fits(largest).length <= MAX_LINE_BYTES && fits(largest).length > MAX_LINE_BYTES - 3)
    const json = `{"x":"${'é'.repeat(largest + 1)}"}`
    assert.deepEqual(parseEntry(fits(largest + 1)).data, {
      length: Buffer.byteLength(json),
      sha256: commitment(json)
    })
  })

  test('holds its data in the canonical form that every other statement has', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null)
    )
    const object = <T>(inner: fc.Arbitrary<T>) =>
      fc.dictionary(fc.string({ unit: 'binary' }), inner, { noNullPrototype: true })
    const data = object(fc.oneof(value, fc.array(value), object(value)))
    fc.assert(
      fc.property(data, fields => {
        const { line } = encodeEntry({ type: 'x', actor: 'node', subject: 'x', data: fields }, place)
        const { data: read } = JSON.parse(line.toString()) as { data: typeof fields }
        assert.deepEqual(read, { ...fields })
        assert.ok(line.includes(`"data":${canonicalJson(fields)},`))
        assert.deepEqual(parseEntry(line).data, read)
      })
    )
  })

  test('is refused in any other form than its canonical one', () => {
    const { line } = encodeEntry(build('mint', GOOD.mint).content, place)
    const json = line.toString()
    const entry = JSON.parse(json) as Record<string, unknown>
    for (const other of [
      `${json} `,
      `\ufeff${json}`,
      json.replace(',', ', '),
      json.replace('"seq":3', '"seq":3.0'),
      json.replace('"seq":3', '"seq":-0'),
      json.replace('"seq":3', '"seq":03'),
      json.replace('"v":1', '"v":1,"v":1'),
      json.replace('"v":1', '"v":2'),
      json.replace('"node"', '"n\\u006fde"'),
      json.replace('"actor"', '"Actor"'),
      JSON.stringify({ ...entry, extra: 1 }),
      JSON.stringify({ ...entry, decision: 'maybe' }),
      JSON.stringify({ ...entry, data: [] }),
      JSON.stringify({ ...entry, ts: '1' }),
      JSON.stringify({ ...entry, id: 7 }),
      JSON.stringify(Object.fromEntries(Object.entries(entry).reverse())),
      '[]',
      'null',
      '',
      '{',
      '['.repeat(16_000)
    ])
      assert.throws(() => parseEntry(Buffer.from(other)), SyntaxError, other.slice(0, 80))
    assert.throws(() => parseEntry(Buffer.of(0xff, 0xfe)), SyntaxError)
    assert.throws(() => parseEntry(Buffer.alloc(MAX_LINE_BYTES + 1, 0x20)), /longer than/)
    assert.deepEqual(parseEntry(line).seq, 3)
  })
})
