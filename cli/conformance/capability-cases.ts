import { MAX_CAVEATS, MAX_TOKEN_BYTES, decodeToken } from '../../protocols/index.ts'
import type { VectorFrame } from '../../specs/index.ts'
import { narrowed } from './narrowed.ts'
import type { Conversation, FrameExpectation, Need, Step } from './vectors.ts'

const CORRS = ['0000000000000001', '0000000000000002', '0000000000000003'] as const
const CORR = CORRS[0]
const FOREIGN_TENANT = 'a0b0c0d0-0000-4000-8000-00000000000f'
const PAST_S = 120
const LONG_CAVEAT = 'x'.repeat(500)

interface Case {
  readonly id: string
  readonly about: string
  readonly rule?: string
  readonly steps: (token: Buffer, nowS: number) => readonly Step[]
}

/**
 * How a node judges capabilities: specs/capabilities.md. Without a token the cases that need one have no steps, and
 * are there to be left out by name.
 */
export function capabilityCases(cap?: Uint8Array, nowS = Math.floor(Date.now() / 1000)): Conversation[] {
  const token = cap && Buffer.from(cap)
  const made = (needs: readonly Need[], list: readonly Case[]) =>
    list.map(({ id, about, rule = '12.2', steps }): Conversation => {
      const shown = needs.includes('capability') ? token : Buffer.alloc(0)
      const played = shown === undefined ? [] : steps(shown, nowS)
      return { id, rule, about, needs, bare: true, steps: played }
    })
  return [...made(['guarded'], ANYONES), ...made(['guarded', 'capability'], HOLDERS)]
}

const call = (cap: Buffer, more: Partial<VectorFrame> = {}): VectorFrame => ({
  flags: ['REQ', 'START', 'END'],
  app: 1,
  corr_id: CORR,
  payload: { record: { header: { utf8: '{"op":"echo"}' }, body: '6869' } },
  ...(cap.length > 0 && { cap: cap.toString('hex') }),
  ...more
})

const answered: Step = { expect_answer: { corr_id: CORR, code: 0, body: '6869' } }

const refused = (code: number, reason: string, finer?: string, corr_id: string = CORR): Step => {
  const expected: FrameExpectation = { flags: ['RESP', 'END'], app: 1, corr_id, code, reason }
  return { expect: finer === undefined ? expected : { ...expected, json: { reason: finer } } }
}

const malformed = refused(401, 'cap_foreign', 'malformed')

const ANYONES: readonly Case[] = [
  {
    id: 'cap-missing',
    about: 'a call without a capability is 401 cap_missing',
    steps: none => [{ send: call(none) }, refused(401, 'cap_missing')]
  },
  {
    id: 'cap-garbage',
    about: 'bytes that are no token are 401 cap_foreign',
    steps: () => [{ send: call(Buffer.from('no token at all')) }, malformed]
  }
]

const HOLDERS: readonly Case[] = [
  {
    id: 'cap-narrowed',
    about: 'a token that its holder narrowed offline is taken',
    steps: (token, nowS) => [
      { send: call(narrowed(token, ['verb = echo:call', `expires < ${nowS + 600}`])) },
      answered
    ]
  },
  {
    id: 'cap-truncated',
    about: 'a token without its last byte is 401 cap_foreign',
    steps: token => [{ send: call(token.subarray(0, -1)) }, malformed]
  },
  {
    id: 'cap-padded',
    about: 'a token with a byte behind it is 401 cap_foreign',
    steps: token => [{ send: call(Buffer.concat([token, Buffer.alloc(1)])) }, malformed]
  },
  {
    id: 'cap-changed-signature',
    about: 'a token with one bit of its signature changed is 401 cap_foreign',
    steps: token => {
      const changed = Buffer.from(token)
      changed[changed.length - 1]! ^= 1
      return [{ send: call(changed) }, refused(401, 'cap_foreign', 'signature')]
    }
  },
  {
    id: 'cap-other-verb',
    about: 'a token narrowed to another verb is 403 cap_denied, and says verb',
    steps: token => [
      { send: call(narrowed(token, ['verb = other:verb'])) },
      refused(403, 'cap_denied', 'verb')
    ]
  },
  {
    id: 'cap-expired',
    about: 'a token that its holder let end is 401 cap_expired',
    steps: (token, nowS) => [
      { send: call(narrowed(token, [`expires < ${nowS - PAST_S}`])) },
      refused(401, 'cap_expired', 'expires')
    ]
  },
  {
    id: 'cap-unknown-caveat',
    about: 'a caveat that nobody knows allows nothing: 403 cap_denied, and says its key',
    steps: token => [
      { send: call(narrowed(token, ['weather = fine'])) },
      refused(403, 'cap_denied', 'weather')
    ]
  },
  {
    id: 'cap-too-many-caveats',
    about: 'a token of 65 caveats is 401 cap_foreign',
    steps: token => {
      const more = MAX_CAVEATS + 1 - decodeToken(token).macaroon.caveats.length
      return [{ send: call(narrowed(token, Array<string>(more).fill('app = 0x0001'))) }, malformed]
    }
  },
  {
    id: 'cap-too-long',
    about: 'a token of more than 4,096 bytes is 401 cap_foreign',
    steps: token => {
      const more = Math.ceil(MAX_TOKEN_BYTES / LONG_CAVEAT.length)
      return [{ send: call(narrowed(token, Array<string>(more).fill(LONG_CAVEAT))) }, malformed]
    }
  },
  {
    id: 'cap-forged-tenant',
    about: "a frame that names another tenant than its token's is 403 cap_denied, and says tenant",
    steps: token => [{ send: call(token, { tenant: FOREIGN_TENANT }) }, refused(403, 'cap_denied', 'tenant')]
  },
  {
    id: 'cap-rate-spent',
    rule: '9.2',
    about: 'what is beyond the rate of a token is 429 with 1,000 to 5,000 ms to wait',
    steps: token => {
      const slow = narrowed(token, ['rate <= 1/s'])
      return [
        { send: CORRS.map(corr_id => call(slow, { corr_id })) },
        answered,
        refused(429, 'quota_capability', undefined, CORRS[2])
      ]
    }
  }
]
