import assert from 'node:assert/strict'
import test, { before, describe } from 'node:test'
import { goIsMissing } from './go-build.ts'
import { GoNode, buildGoPeer } from './go-peer.ts'
import { Child } from './child.ts'
import { guardedNode } from './conformance/guarded-node.ts'
import { LAUNCHER, OurNode } from './our-node.ts'
import type { Encryption } from './our-node.ts'

const RUN_MS = 120_000
const LEAST_CASES = 60
const LEAST_LINK_CASES = 75
/** What a known caller that has no minute to wait does not play at a node that opens echo to all, beside links. */
const LEFT_OUT = [
  'stranger-fifth-call',
  'idle',
  'idle-open-call',
  'cap-missing',
  'cap-garbage',
  'cap-narrowed',
  'cap-truncated',
  'cap-padded',
  'cap-changed-signature',
  'cap-other-verb',
  'cap-expired',
  'cap-unknown-caveat',
  'cap-too-many-caveats',
  'cap-too-long',
  'cap-forged-tenant',
  'cap-rate-spent',
  // Below, with an invite.
  'handshake-pair-once',
  'handshake-pair-five-failures'
]

interface Report {
  readonly passed: number
  readonly failed: number
  readonly leftOut: number
  readonly results: readonly { readonly id: string; readonly pass: boolean; readonly leftOut?: string }[]
}

for (const encryption of ['noise', 'tls'] as const) {
  test(`our node passes every case over ${encryption}`, async () => {
    await using node = await OurNode.start({ encryption })

    const report = await conformance(node.address, encryption)

    assert.deepEqual(failures(report), [])
    assert.ok(report.passed >= LEAST_CASES, `${report.passed} cases`)
    assert.deepEqual(leftOut(report).filter(isNoLink), LEFT_OUT)
  })
}

test('our node passes every case of links, as a hub that wants capabilities and allows another', async () => {
  await using node = await guardedNode()

  const report = await played([node.address, '--hub-key', node.hubKey, '--only', 'link-'], {
    RON_CAP: node.token
  })

  assert.deepEqual(failures(report), [])
  assert.ok(report.passed >= LEAST_LINK_CASES, `${report.passed} cases`)
  // The treaty has that duty, the second waits a minute, and nothing could be played after the third.
  assert.deepEqual(leftOut(report), ['link-witness-no-duty', 'link-exchange-head-gone', 'link-quarantine'])
})

test('an open invite of our node is good for one pairing, and five wrong secrets make it void', async () => {
  await using node = await guardedNode()
  const withInvite = async (only: string) =>
    played([node.address, '--invite', await node.invite(), '--only', only], { RON_CAP: node.token })

  const once = await withInvite('handshake-pair-once')
  const voided = await withInvite('handshake-pair-five-failures')

  assert.deepEqual([failures(once), once.passed], [[], 1])
  assert.deepEqual([failures(voided), voided.passed], [[], 1])
})

test('our node puts a hub in quarantine that shows two delegations of one place', async () => {
  await using node = await guardedNode()

  const report = await played([node.address, '--hub-key', node.hubKey, '--only', 'link-quarantine'], {
    RON_CAP: node.token
  })

  assert.deepEqual([failures(report), report.passed], [[], 1])
})

test('our node passes every case that a stranger may play', async () => {
  await using node = await OurNode.start({ strangers: true })

  const report = await conformance(node.address)

  assert.deepEqual(failures(report), [])
  assert.ok(report.passed >= LEAST_CASES, `${report.passed} cases`)
})

describe('the Go peer', { skip: goIsMissing() ?? false }, () => {
  before(buildGoPeer)

  test('passes every case', async () => {
    await using go = await GoNode.start()

    const report = await conformance(go.address)

    const [services, others] = [true, false].map(is =>
      leftOut(report).filter(id => /^(mailbox|storage)-/.test(id) === is)
    )
    assert.deepEqual(failures(report), [])
    assert.deepEqual(others!.filter(isNoLink).filter(isNoHandshake), LEFT_OUT.filter(isNoHandshake))
    // It has no mailbox and no storage.
    assert.deepEqual(new Set(services!.map(id => id.split('-')[0])), new Set(['mailbox', 'storage']))
  })
})

const conformance = (address: string, encryption: Encryption = 'noise'): Promise<Report> =>
  played([address, '--encryption', encryption])

async function played(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Report> {
  await using child = new Child(process.execPath, [LAUNCHER, 'conformance', '--json', ...args], env)
  const { stdout, stderr } = await child.ended(RUN_MS)
  assert.notEqual(stdout.length, 0, stderr)
  return JSON.parse(stdout.join('')) as Report
}

const isNoLink = (id: string): boolean => !id.startsWith('link-')
const isNoHandshake = (id: string): boolean => !id.startsWith('handshake-')

const failures = ({ results }: Report) =>
  results.filter(({ pass, leftOut }) => !pass && leftOut === undefined)

const leftOut = ({ results }: Report): string[] =>
  results.filter(result => result.leftOut !== undefined).map(({ id }) => id)
