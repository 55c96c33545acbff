import assert from 'node:assert/strict'
import { test } from 'node:test'
import { harden } from './harden.ts'
import type { HardenState, Hardening, StepOutcome } from './harden.ts'

const open: HardenState = {
  writeMode: 'open',
  writeRequiresAuth: false,
  writeRequiresToken: false,
  sandbox: 'public',
  tokens: [
    { name: 'bot', role: 'write', bytes: 32 },
    { name: 'operator', role: 'admin', bytes: 47 }
  ],
  isRateLimited: true,
  proxies: ['10.0.0.0/8']
}

const ALL_SETTINGS = {
  'gateway.write_mode': 'token',
  'security.write_requires_auth': true,
  'gateway.write_requires_token': true,
  'gateway.sandbox': ''
}

const outcomes = ({ steps }: Hardening): Readonly<Record<string, StepOutcome>> =>
  Object.fromEntries(steps.map(({ step, is }) => [step, is]))

/** What a hub is once it has done as it was told. */
const carriedOut = (state: HardenState, { settings }: Hardening): HardenState => ({
  ...state,
  writeMode: settings['gateway.write_mode'] === 'token' ? 'token' : state.writeMode,
  writeRequiresAuth: settings['security.write_requires_auth'] === true || state.writeRequiresAuth,
  writeRequiresToken: settings['gateway.write_requires_token'] === true || state.writeRequiresToken,
  sandbox: settings['gateway.sandbox'] === '' ? '' : state.sandbox
})

test('turns enforcement on, in one step', () => {
  const hardening = harden(open)

  assert.equal(hardening.isRefused, false)
  assert.deepEqual(hardening.settings, ALL_SETTINGS)
  assert.deepEqual(outcomes(hardening), {
    'tokens.write': 'already',
    'tokens.admin': 'already',
    'tokens.length': 'already',
    limits: 'already',
    proxies: 'already',
    'gateway.write_mode': 'done',
    'security.write_requires_auth': 'done',
    'gateway.write_requires_token': 'done',
    'gateway.sandbox': 'done'
  })
})

test('a hub that was hardened stays as it is, whatever was left to do before', () => {
  for (const writeMode of ['open', 'token'] as const)
    for (const writeRequiresAuth of [true, false]) {
      const state = { ...open, writeMode, writeRequiresAuth }

      const again = harden(carriedOut(state, harden(state)))

      assert.ok(again.steps.every(({ is }) => is === 'already'))
      assert.deepEqual(again.settings, {})
    }
})

const REFUSED: readonly (readonly [string, Partial<HardenState>, string, RegExp])[] = [
  ['tokens', { tokens: [] }, 'tokens.admin', /omnigate token add NAME --role admin/],
  ['a WRITE token', { tokens: [open.tokens[1]!] }, 'tokens.write', /AMS_WRITE_TOKEN/],
  ['an ADMIN token', { tokens: [open.tokens[0]!] }, 'tokens.admin', /AMS_ADMIN_TOKEN/],
  [
    'long tokens',
    { tokens: [{ name: 'short', role: 'write', bytes: 31 }, ...open.tokens] },
    'tokens.length',
    /^token short: 31 bytes, at least 32/
  ],
  ['rate limits', { isRateLimited: false }, 'limits', /rate_limits = true/],
  ['proxies of its own', { proxies: ['0.0.0.0/0'] }, 'proxies', /0\.0\.0\.0\/0 holds every address/]
]

for (const [what, change, step, wayOut] of REFUSED)
  test(`without ${what} it is refused, changes nothing, and says what to do`, () => {
    const hardening = harden({ ...open, ...change })

    assert.equal(hardening.isRefused, true)
    assert.deepEqual(hardening.settings, {})
    const refused = hardening.steps.find(each => each.step === step)!
    assert.equal(refused.is, 'refused')
    assert.match(refused.message, wayOut)
    assert.ok(hardening.steps.every(({ is }) => is === 'refused' || is === 'already' || is === 'held'))
    assert.equal(outcomes(hardening)['gateway.write_mode'], 'held')
  })

test('every short token is named', () => {
  const tokens = [...open.tokens, ...['a', 'b'].map(name => ({ name, role: 'read' as const, bytes: 8 }))]

  const refused = harden({ ...open, tokens }).steps.filter(({ is }) => is === 'refused')

  assert.deepEqual(
    refused.map(({ message }) => message.slice(0, 7)),
    ['token a', 'token b']
  )
})
