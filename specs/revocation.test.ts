import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseReasons } from './reasons-table.ts'

// Read by this file alone and by none of the code that node/ runs, which has tests of its own over the same data.
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

interface Named {
  readonly name: string
  readonly about: string
}
interface Statement {
  readonly at: number
  readonly epoch: number
  readonly hub: string
  readonly key: string
  readonly prev: string
  readonly seq: number
}
interface Head {
  readonly digest: string
  readonly seq: number
}
type Delegation = Named & {
  readonly accept: boolean
  readonly line: string
  readonly signed?: { utf8: string }
}
type Kept = Named & { readonly line: string; readonly digest: string; readonly signed: { utf8: string } }
type Refused = Named & { readonly why: string; readonly line: string; readonly before: Head }
type Renewal = Named & {
  readonly caveats: readonly string[]
  readonly renewed?: readonly string[]
  readonly now: number
  readonly ttl_s: number
  readonly expires?: number
  readonly reason?: string
}

const vectors = JSON.parse(read('vectors/revocation.json')) as {
  readonly hub: { readonly seed: string; readonly public_key: string; readonly hub_id: string }
  readonly revocation_key: { readonly seed: string; readonly public_key: string }
  readonly delegations: readonly Delegation[]
  readonly statements: readonly Kept[]
  readonly refused: readonly Refused[]
  readonly malformed: readonly (Named & { readonly line: string })[]
  readonly renewals: readonly Renewal[]
  readonly rings: readonly Named[]
}
const text = read('revocation.md')
const reasons = new Map(parseReasons(read('oap-1.md')).map(({ reason, status }) => [reason, status]))

const TAG = { delegation: 'omnigate/delegation/1', revocation: 'omnigate/revocation/1' }
const DELEGATION = vectors.delegations[0]!

describe('the keys', () => {
  test('belong to their seeds, and the hub id to its key', () => {
    for (const { seed, public_key } of [vectors.hub, vectors.revocation_key])
      assert.equal(publicHex(seed), public_key)
    assert.equal(base32(vectors.hub.public_key), vectors.hub.hub_id.slice(2))
  })
})

describe('delegations', () => {
  for (const { name, about, accept, line, signed } of vectors.delegations) {
    test(`${name}: ${about}`, () => {
      assert.equal(isDelegation(line), accept)
      if (signed !== undefined) assert.equal(signedText(TAG.delegation, line), signed.utf8)
    })
  }
})

describe('statements', () => {
  let before: Head = { seq: 0, digest: '0'.repeat(64) }
  for (const { name, about, line, digest, signed } of vectors.statements) {
    const head = before
    before = { seq: head.seq + 1, digest }
    test(`${name}: ${about}`, () => {
      assert.equal(canonical(JSON.parse(line)), line)
      assert.equal(signedText(TAG.revocation, line), signed.utf8)
      assert.equal(createHash('sha256').update(line).digest('hex'), digest)
      assert.equal(refusalOf(line, head), undefined)
    })
  }

  for (const { name, about, line, before: head, why } of vectors.refused) {
    test(`${name}: ${about}`, () => assert.equal(refusalOf(line, head), why))
  }

  for (const { name, about, line } of vectors.malformed) {
    test(`${name}: ${about}`, () => assert.equal(isForm(line), false))
  }
})

describe('renewals', () => {
  for (const { name, about, caveats, renewed, expires, reason, now, ttl_s } of vectors.renewals) {
    test(`${name}: ${about}`, () => {
      if (renewed === undefined)
        return assert.equal(reasons.get(reason!), reason === 'cap_expired' ? 401 : 403)
      const isEnd = (line: string): boolean => line.startsWith('expires ')
      const ends = caveats.filter(isEnd)
      const others = caveats.filter(line => !isEnd(line))
      const until = Math.min(...valuesOf(caveats, 'renew-until'))
      const next = Math.max(Math.min(now + ttl_s, until), Math.min(...valuesOf(caveats, 'expires')))

      assert.deepEqual(renewed, [...others, `expires < ${next}`, ...ends.slice(1)])
      assert.equal(expires, Math.min(...valuesOf(renewed, 'expires')))
    })
  }
})

test('the text names the domain tag, and every refusal of the vectors', () => {
  assert.ok(text.includes(`\`${TAG.revocation}\``))
  for (const why of new Set(vectors.refused.map(refused => refused.why)))
    assert.match(text, new RegExp(`^\\| \\d +\\| \`${why}\` `, 'm'))
})

test('every vector has a name of its own', () => {
  const { delegations, statements, refused, malformed, renewals, rings } = vectors
  const names = [delegations, statements, refused, malformed, renewals, rings].flat().map(({ name }) => name)

  assert.equal(new Set(names).size, names.length)
})

const MEMBERS = 'at,epoch,hub,key,prev,reason,revoke,seq'
const DELEGATION_MEMBERS = 'epoch,hub,key,node,not_after,not_before,role'

function refusalOf(line: string, before: Head): string | undefined {
  const { statement } = JSON.parse(line) as { statement: Statement }
  const delegated = (JSON.parse(DELEGATION.line) as { statement: { not_before: number; not_after: number } })
    .statement
  if (statement.hub !== vectors.hub.hub_id) return 'hub'
  if (statement.key !== vectors.revocation_key.public_key || statement.epoch !== 1) return 'key'
  if (statement.at < delegated.not_before || statement.at > delegated.not_after) return 'time'
  if (statement.seq !== before.seq + 1) return 'sequence'
  if (statement.prev !== before.digest) return 'previous'
  return isSigned(TAG.revocation, line, statement.key) ? undefined : 'signature'
}

function isForm(line: string): boolean {
  const object = parsed(line)
  const { statement, signature } = (object ?? {}) as Record<string, unknown>
  const bytes = Buffer.from(String(signature), 'base64')
  if (canonical(object) !== line || bytes.length !== 64 || bytes.toString('base64') !== signature)
    return false
  const members = (statement ?? {}) as Record<string, unknown>
  if (Object.keys(members).join() !== MEMBERS) return false
  const [[name, value] = [], ...more] = Object.entries(members['revoke'] as object)
  if (more.length > 0 || !Number.isInteger(members['seq']) || Number(members['seq']) < 1) return false
  const reason = String(members['reason'])
  if (Buffer.byteLength(reason) > 256 || /\p{Cc}/u.test(reason)) return false
  if (name === 'cap_id') return /^[0-9a-f]{32}$/.test(String(value))
  if (name === 'kid') return Number.isInteger(value) && Number(value) >= 1 && Number(value) < 2 ** 32
  return name === 'subject' && /^[!-~]{1,128}$/.test(String(value))
}

function isDelegation(line: string): boolean {
  const { statement } = JSON.parse(line) as { statement: Record<string, unknown> }
  const { after, ...others } = statement
  if (canonical(JSON.parse(line)) !== line || Object.keys(others).join() !== DELEGATION_MEMBERS) return false
  if ('after' in statement && !isPlace(after)) return false
  const { role, key, hub } = statement
  if (
    role !== 'revocation' ||
    !/^[0-9a-f]{64}$/.test(String(key)) ||
    String(key).startsWith(`01${'00'.repeat(31)}`)
  )
    return false
  return hub === vectors.hub.hub_id && isSigned(TAG.delegation, line, vectors.hub.public_key)
}

function isPlace(value: unknown): boolean {
  const { digest, seq } = value as Record<string, unknown>
  const isForm = Object.keys(value as object).join() === 'digest,seq'
  return isForm && /^[0-9a-f]{64}$/.test(String(digest)) && Number.isSafeInteger(seq) && Number(seq) >= 0
}

function isSigned(tag: string, line: string, publicKey: string): boolean {
  const { signature } = JSON.parse(line) as { signature: string }
  const der = Buffer.from(`302a300506032b6570032100${publicKey}`, 'hex')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, Buffer.from(signedText(tag, line)), key, Buffer.from(signature, 'base64'))
}

const signedText = (tag: string, line: string): string =>
  `${tag}\n${canonical((JSON.parse(line) as { statement: unknown }).statement)}`

/** RFC 8785 for what stands in these files: integers, ASCII names. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const valuesOf = (caveats: readonly string[], key: string): number[] =>
  caveats.filter(line => line.startsWith(`${key} < `)).map(line => Number(line.slice(key.length + 3)))

function publicHex(seed: string): string {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
}

function base32(hex: string): string {
  const bits = [...Buffer.from(hex, 'hex')].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return bits
    .padEnd(260, '0')
    .replace(/.{5}/g, five => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five, 2)]!)
}
