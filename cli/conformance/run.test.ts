import assert from 'node:assert/strict'
import test from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { createTransport } from '../../transport/index.ts'
import { conformanceCases, conformanceTable, runConformance, tally } from './index.ts'
import type { ConformanceResult } from './index.ts'

test('has a case for every rule of the conversation section, each under a name of its own', async () => {
  const cases = await conformanceCases()

  const rules = new Set(cases.map(({ rule }) => rule))
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length)
  assert.ok(cases.length >= 60, `${cases.length} cases`)
  for (const rule of ['5.1', '5.2', '5.3', '5.5', '5.6', '5.7', '5.8', '6.1', '6.2', '6.3'])
    assert.ok(rules.has(rule), `no case for section ${rule}`)
})

test('says that a node does not speak OAP/1', async () => {
  await using node = await listener('/other/1.0.0', () => undefined)

  await assert.rejects(played(node.address, 'len-zero'), /\/oap\/1\.0\.0|protocol/i)
})

test('says that a node answers no HELLO', async () => {
  await using node = await listener('/oap/1.0.0', stream => stream.abort(new Error('no')))

  await assert.rejects(played(node.address, 'len-zero'), /HELLO/)
})

test('fails the cases that a node gets wrong and prints what came', async () => {
  await using node = await listener('/oap/1.0.0', helloOnly)

  const results = await played(node.address, 'cancel-no-corr')

  const table = conformanceTable(results)
  assert.deepEqual(tally(results), { passed: 0, failed: 1, leftOut: 0 })
  assert.match(table, /^FAILED +6\.2 +cancel-no-corr .* \[6\.2-control-corr\]\n/)
  assert.match(table, /\n0 passed, 1 failed, 0 left out\nrequirements not met: 6\.2-control-corr$/)
})

// Answers whatever begins a stream as HELLO and as the probe's echo, and nothing after it.
function helloOnly(stream: Stream): void {
  const hello = '7b226d61785f6672616d65223a313034383537362c226d61785f696e666c69676874223a36347d'
  const header = (length: string, flags: string, corr: string) =>
    `${length}00000001${flags}00000000${'00'.repeat(16)}0000${corr}`
  const answers = [header('48', '1200', '0100000000000000') + hello, header('21', '1200', 'ffffffffffffffff')]
  stream.addEventListener('message', () => {
    for (const answer of answers.splice(0)) stream.send(Buffer.from(answer, 'hex'))
  })
}

async function played(address: string, only: string): Promise<ConformanceResult[]> {
  const results: ConformanceResult[] = []
  for await (const result of runConformance(address, { only })) results.push(result)
  return results
}

async function listener(protocol: string, handler: (stream: Stream) => void) {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
  await node.handle(protocol, handler)
  return { address: String(node.getMultiaddrs()[0]), [Symbol.asyncDispose]: async () => node.stop() }
}
