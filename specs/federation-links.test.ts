import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'

// Read by this file alone and by none of the code of federation/, which has tests of its own over the same data.
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

interface Named {
  readonly name: string
  readonly about?: string
}
type Json = Readonly<Record<string, unknown>>
type Line = Named & { readonly accept: boolean; readonly line: string; readonly signed?: { utf8: string } }
type Key = Readonly<Record<'seed' | 'public_key' | 'hub_id' | 'peer_id', string>>

const text = read('federation-links.md')
const vectors = JSON.parse(read('vectors/federation-links.json')) as {
  readonly keys: Readonly<Record<string, Key>>
  readonly hub_ids: readonly (Named & { readonly text: string; readonly key?: string })[]
  readonly delegations: readonly Line[]
  readonly key_revocations: readonly Line[]
  readonly judgements: {
    readonly statements: readonly (Named & { readonly refusal: string | null; readonly line: string })[]
  }
  readonly equivocation: readonly Named[]
  readonly successions: {
    readonly learned: readonly (Named & {
      readonly line: string
      readonly verdict: string
      readonly signed?: { utf8: string }
    })[]
    readonly confirmations: readonly (Named & { readonly refusal: string | null })[]
  }
  readonly malformed: readonly (Named & { readonly kind: string; readonly line: string })[]
  readonly treaties: { readonly documents: readonly (Named & { readonly grant?: Json })[] }
  readonly agreements: readonly (Named & { readonly differences: readonly { readonly what: string }[] })[]
  readonly invites: {
    readonly texts: readonly (Named & {
      readonly text: string
      readonly refusal?: string
      readonly says?: Json
    })[]
  }
  readonly fingerprints: readonly (Named & { readonly transcript: string; readonly fingerprint: string })[]
}

const TAG = {
  delegation: 'omnigate/delegation/1',
  'key-revocation': 'omnigate/key-revocation/1',
  succession: 'omnigate/hub-succession/1'
}
const HUB = vectors.keys['hub']!

describe('the keys', () => {
  for (const [name, { seed, public_key, hub_id, peer_id }] of Object.entries(vectors.keys)) {
    test(`${name} belongs to its seed, hub id and peer id`, () => {
      assert.equal(publicHex(seed), public_key)
      assert.equal(`h1${base32(public_key)}`, hub_id)
      assert.equal(base58(`002408011220${public_key}`), peer_id)
    })
  }
  test('the hub id that the text shows is that of the hub', () => {
    assert.ok(text.includes(`\`${HUB.hub_id}\` is the hub id of the key \`${HUB.public_key}\``))
  })
  test('every text that is a hub id says which', () => {
    for (const { text: id, key } of vectors.hub_ids)
      if (key !== undefined) assert.equal(`h1${base32(key)}`, id)
  })
})

describe('lines', () => {
  for (const [kind, lines] of [
    ['delegation', vectors.delegations],
    ['key-revocation', vectors.key_revocations]
  ] as const) {
    for (const { name, about, accept, line, signed } of lines) {
      test(`${name}: ${about}`, () => {
        const { statement, signature } = JSON.parse(line) as { statement: Json; signature: string }

        assert.equal(canonical(JSON.parse(line)), line)
        if (signed !== undefined) assert.equal(`${TAG[kind]}\n${canonical(statement)}`, signed.utf8)
        const isSigned = fits(TAG[kind], statement, signature, HUB.public_key)
        const isItsOwn = statement['hub'] === HUB.hub_id && !isUnusable(statement)
        assert.equal(isSigned && isItsOwn, accept)
      })
    }
  }

  for (const { name, about, line, verdict, signed } of vectors.successions.learned) {
    test(`${name}: ${about}`, () => {
      const { statement, signatures } = JSON.parse(line) as { statement: Json; signatures: string[] }
      const keys = [statement['hub'], statement['successor']].map(id =>
        Object.values(vectors.keys).find(({ hub_id }) => hub_id === id)
      )
      const [ends, goesOn] = signatures.map((signature, n) =>
        fits(TAG.succession, statement, signature, keys[n]!.public_key)
      )

      assert.equal(canonical(JSON.parse(line)), line)
      if (signed !== undefined) assert.equal(`${TAG.succession}\n${canonical(statement)}`, signed.utf8)
      assert.equal(ends, verdict !== 'signature')
      assert.equal(goesOn, verdict !== 'successor_signature')
    })
  }
})

test('the text names every tag, and every verdict of the vectors', () => {
  for (const tag of Object.values(TAG)) assert.ok(text.includes(`| \`${tag}\``), tag)
  const { statements } = vectors.judgements
  const { learned, confirmations } = vectors.successions
  const named = [
    ...[...statements, ...confirmations].flatMap(({ refusal }) => refusal ?? []),
    ...learned.map(({ verdict }) => verdict),
    ...vectors.agreements.flatMap(({ differences }) => differences.map(({ what }) => what)),
    ...vectors.invites.texts.flatMap(({ refusal }) => (refusal === 'form' ? [] : (refusal ?? [])))
  ]
  for (const name of new Set(named)) assert.ok(text.includes(`\`${name}\``), name)
})

test('no grant on the wire has a tenant, and its lists ascend', () => {
  for (const { grant } of vectors.treaties.documents) {
    if (grant === undefined) continue
    const { rows, verbs, classes } = grant as {
      readonly rows: readonly {
        readonly share: { readonly id: string }
        readonly topics: readonly string[]
      }[]
      readonly verbs: readonly string[]
      readonly classes: readonly string[]
    }
    for (const row of rows) assert.equal(Object.keys(row).sort().join(), 'dir,relay,share,topics')
    for (const list of [
      rows.map(({ share }) => share.id),
      verbs,
      classes,
      ...rows.map(({ topics }) => topics)
    ])
      assert.deepEqual(list, [...new Set(list)].sort())
  }
})

describe('invites', () => {
  for (const { name, about, text: line, says } of vectors.invites.texts) {
    if (says === undefined) continue
    test(`${name}: ${about}`, () => {
      const bytes = Buffer.from(line, 'base64url')
      const [body, check] = [bytes.subarray(0, -4), bytes.subarray(-4)]
      const lengths = (says['addresses'] as string[]).map(address => Buffer.from([address.length]))
      const addresses = (says['addresses'] as string[]).flatMap((one, n) => [lengths[n]!, Buffer.from(one)])

      assert.deepEqual(check, createHash('sha256').update(body).digest().subarray(0, 4))
      assert.equal(body[0], 1)
      assert.equal(`h1${base32(body.toString('hex', 1, 33))}`, says['hub'])
      assert.equal(body.toString('hex', 33, 49), says['secret'])
      assert.equal(body.readBigUInt64LE(49), BigInt(says['expires'] as number))
      assert.equal(body[57], lengths.length)
      assert.deepEqual(body.subarray(58), Buffer.concat(addresses))
    })
  }
})

for (const { name, transcript, fingerprint } of vectors.fingerprints) {
  test(`${name}: ${fingerprint}`, () => {
    const tag = Buffer.from('omnigate/pairing-fingerprint/1\n')
    const digest = createHash('sha256')
      .update(Buffer.concat([tag, Buffer.from(transcript, 'hex')]))
      .digest('hex')

    assert.equal(base32(digest.slice(0, 20)).replace(/.{4}(?=.)/g, '$&-'), fingerprint)
  })
}

test('every vector has a name of its own', () => {
  const { hub_ids, delegations, key_revocations, judgements, equivocation, successions, malformed } = vectors
  const lists: readonly (readonly Named[])[] = [
    hub_ids,
    delegations,
    key_revocations,
    judgements.statements,
    equivocation,
    successions.learned,
    successions.confirmations,
    malformed,
    vectors.treaties.documents,
    vectors.agreements,
    vectors.invites.texts,
    vectors.fingerprints
  ]
  const names = lists.flat().map(({ name }) => name)

  assert.equal(new Set(names).size, names.length)
})

function fits(tag: string, statement: Json, signature: string, publicKey: string): boolean {
  const der = Buffer.from(`302a300506032b6570032100${publicKey}`, 'hex')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, Buffer.from(`${tag}\n${canonical(statement)}`), key, Buffer.from(signature, 'base64'))
}

/** Of the keys in the vectors, those that none may sign with: the neutral element, and a peer id of another kind. */
const isUnusable = ({ key, peer_id }: Json): boolean =>
  key === `01${'00'.repeat(31)}` || (typeof peer_id === 'string' && !peer_id.startsWith('12D3KooW'))

/** RFC 8785 for what stands in these files: integers, ASCII names. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

function publicHex(seed: string): string {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
}

function base32(hex: string): string {
  const bits = [...Buffer.from(hex, 'hex')].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return bits
    .padEnd(Math.ceil(bits.length / 5) * 5, '0')
    .replace(/.{5}/g, five => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five, 2)]!)
}

function base58(hex: string): string {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  const zeros = '1'.repeat(/^(00)*/.exec(hex)![0].length / 2)
  let written = ''
  for (let left = BigInt(`0x${hex}`); left > 0n; left /= 58n) written = letters[Number(left % 58n)]! + written
  return zeros + written
}
