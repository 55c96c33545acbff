import assert from 'node:assert/strict'
import { createHash, createHmac, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseReasons } from './reasons-table.ts'
import { vectorBytes } from './vector-bytes.ts'
import type { Bytes } from './vector-bytes.ts'

// Read by this file alone and by none of the code that federation/ runs, which has tests of its own over the same data.
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

type Side = 'initiator' | 'responder'
type Both = Readonly<Record<Side, string>>
interface Node {
  readonly hub_seed: string
  readonly hub: string
  readonly node_seed: string
  readonly peer_id: string
  readonly delegation: { readonly signature: string; readonly statement: Readonly<Record<string, unknown>> }
}
interface Run {
  readonly name: string
  readonly purpose: string
  readonly initiator: string
  readonly responder: string
  readonly hello: string
  readonly challenge: string
  readonly proof: string
  readonly answer: string
  readonly i: string
  readonly r: string
  readonly signatures: Both
  readonly macs?: Both
  readonly calls: readonly { readonly request: Bytes; readonly answer: Bytes }[]
}
interface Refusal {
  readonly name: string
  readonly role: Side
  readonly code: string
  readonly told: string | null
}

const text = read('federation-handshake.md')
const vectors = JSON.parse(read('vectors/federation-handshake.json')) as {
  readonly nodes: Readonly<Record<string, Node>>
  readonly invite: { readonly secret: string; readonly k: string }
  readonly runs: readonly Run[]
  readonly refusals: readonly Refusal[]
  readonly peer_ids: readonly {
    readonly text: string
    readonly accept: boolean
    readonly public_key?: string
  }[]
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const tag = (name: string): Buffer => Buffer.from(`${name}\n`)

function publicKeyOf(seed: string): Buffer {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([head, Buffer.from(seed, 'hex')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(12)
}

function isSigned(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey])
  return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
}

/** In base58btc; what begins with one zero byte has one `1` in front. */
function peerIdOf(publicKey: Buffer): string {
  let value = BigInt(`0x${Buffer.concat([Buffer.from('002408011220', 'hex'), publicKey]).toString('hex')}`)
  let out = ''
  for (; value > 0n; value /= 58n) out = BASE58.charAt(Number(value % 58n)) + out
  return `1${out}`
}

function hubIdOf(publicKey: Buffer): string {
  const bits = Array.from(publicKey, byte => byte.toString(2).padStart(8, '0'))
    .join('')
    .padEnd(260, '0')
  return `h1${bits.replace(/.{5}/g, five => BASE32.charAt(parseInt(five, 2)))}`
}

/** Enough for what the vectors hold: no text that RFC 8785 would write in another way. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

function digest(fields: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(tag('omnigate/handshake-transcript/1'))
  for (const field of fields) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(field.length)
    hash.update(length).update(field)
  }
  return hash.digest()
}

describe('the nodes', () => {
  for (const [name, node] of Object.entries(vectors.nodes)) {
    test(`${name} has the ids of its keys, and a delegation that its hub signed`, () => {
      const { signature, statement } = node.delegation
      const message = Buffer.concat([tag('omnigate/delegation/1'), Buffer.from(canonical(statement))])

      assert.equal(hubIdOf(publicKeyOf(node.hub_seed)), node.hub)
      assert.equal(peerIdOf(publicKeyOf(node.node_seed)), node.peer_id)
      assert.deepEqual([statement['hub'], statement['peer_id']], [node.hub, node.peer_id])
      assert.ok(isSigned(publicKeyOf(node.hub_seed), message, Buffer.from(signature, 'base64')))
    })
  }

  test('know an invite by the digest of its secret', () => {
    const { secret, k } = vectors.invite
    assert.equal(createHash('sha256').update(Buffer.from(secret, 'hex')).digest('hex'), k)
  })

  test('have peer ids that hold their keys', () => {
    for (const { text: id, accept, public_key } of vectors.peer_ids)
      if (accept) assert.equal(peerIdOf(Buffer.from(public_key!, 'hex')), id)
  })
})

describe('the runs', () => {
  for (const run of vectors.runs) {
    const [a, b] = [vectors.nodes[run.initiator]!, vectors.nodes[run.responder]!]
    const bytes = (member: 'hello' | 'challenge' | 'proof' | 'answer') => Buffer.from(run[member])
    const upToProof = [
      Buffer.from(a.peer_id),
      Buffer.from(b.peer_id),
      bytes('hello'),
      bytes('challenge'),
      bytes('proof')
    ]
    const i = digest(upToProof)
    const r = digest([...upToProof, Buffer.from(run.signatures.initiator, 'hex'), bytes('answer')])
    const signed = { initiator: i, responder: r }

    test(`${run.name}: messages are canonical, and the digests are those of the text`, () => {
      for (const member of ['hello', 'challenge', 'proof', 'answer'] as const)
        assert.equal(canonical(JSON.parse(run[member])), run[member])
      assert.deepEqual([i.toString('hex'), r.toString('hex')], [run.i, run.r])
    })

    for (const [side, seed] of [
      ['initiator', a.node_seed],
      ['responder', b.node_seed]
    ] as const) {
      test(`${run.name}: the ${side} signed, and knows the invite where there is one`, () => {
        const message = Buffer.concat([tag(`omnigate/handshake-${side}/1`), signed[side]])
        assert.ok(isSigned(publicKeyOf(seed), message, Buffer.from(run.signatures[side], 'hex')))

        const mac = createHmac('sha256', Buffer.from(vectors.invite.k, 'hex'))
        mac.update(tag(`omnigate/pair-${side}/1`)).update(signed[side])
        assert.equal(run.macs?.[side], run.purpose === 'pair' ? mac.digest('hex') : undefined)
      })
    }

    test(`${run.name}: the calls carry these messages`, () => {
      const [hello, prove] = run.calls.map(({ request, answer }) => [
        vectorBytes(request),
        vectorBytes(answer)
      ])
      assert.ok(hello![0]!.subarray(-run.hello.length).equals(bytes('hello')))
      assert.ok(hello![1]!.equals(bytes('challenge')))
      assert.ok(prove![0]!.subarray(-run.proof.length).equals(bytes('proof')))
      assert.ok(prove![1]!.subarray(-run.answer.length).equals(bytes('answer')))
      assert.ok(prove![0]!.includes(run.signatures.initiator))
      assert.ok(prove![1]!.includes(run.signatures.responder))
    })
  }
})

describe('the refusals', () => {
  const reasons = new Map(parseReasons(read('oap-1.md')).map(({ reason, status }) => [reason, status]))
  const section = text.slice(text.indexOf('## 7.'), text.indexOf('## 8.'))
  const rows = Array.from(
    section.matchAll(/^\| `(\w+)` +\| (itself|never told|`\w+`) +\| (\d+) +\| `(\w+)` +\| (\w+) +\|/gm),
    ([, code = '', how = '', status, counted = '', blame]) => ({
      code,
      how,
      status: Number(status),
      counted,
      blame
    })
  )

  test('have the status of the reason under which they are counted', () => {
    assert.equal(rows.length, 20)
    for (const { code, status, counted, blame } of rows) {
      assert.equal(reasons.get(counted), status, code)
      assert.ok(blame === 'peer' || blame === 'operator', code)
    }
  })

  test('all stand in section 6 or before it, and the vectors show each', () => {
    const before = text.slice(0, text.indexOf('## 7.'))
    for (const { code } of rows) {
      assert.ok(before.includes(`\`${code}\``), code)
      assert.ok(
        vectors.refusals.some(refusal => refusal.code === code),
        `no vector: ${code}`
      )
    }
  })

  test('tell in the vectors what the table says, and initiators nothing', () => {
    const names = vectors.refusals.map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    for (const { name, code, role, told } of vectors.refusals) {
      const { how } = rows.find(row => row.code === code)!
      const says = how === 'itself' ? code : how === 'never told' ? null : how.replaceAll('`', '')
      assert.equal(told, role === 'responder' ? says : null, name)
    }
  })
})

test('the sections are numbered without a gap', () => {
  const numbers = Array.from(text.matchAll(/^## (\d+)\. /gm), ([, number]) => Number(number))
  assert.deepEqual(
    numbers,
    numbers.map((_, n) => n + 1)
  )
})
