import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import { echoService } from 'omnigate/protocols'
import { OapError, connect } from 'omnigate/sdk'
import type { NodeConnection } from 'omnigate/sdk'
import { digestOf, inPieces, sampleBytes } from './bodies.ts'
import { within } from './child.ts'
import { goIsMissing } from './go-build.ts'
import { GoNode, buildGoPeer, goDials } from './go-peer.ts'
import { OurNode, omnigate } from './our-node.ts'

const MIB = 1024 * 1024
const ANSWER_MS = 60_000
const skip = goIsMissing() ?? false

describe('the Go peer', { skip }, () => {
  before(buildGoPeer)

  for (const encryption of ['noise', 'tls'] as const) {
    test(`plays all its cases against our node over ${encryption}`, async () => {
      await using node = await OurNode.start({ encryption })

      const results = await goDials(node.address, { encryption })

      assert.ok(results.length >= 21, `${results.length} cases`)
      assert.deepEqual(
        results.filter(({ pass }) => !pass),
        []
      )
    })

    test(`is spoken to by our client over ${encryption}`, async () => {
      await using go = await GoNode.start('--encryption', encryption)
      await using hub = await connect(go.address, { encryption: [encryption] })
      const echo = hub.client(echoService)
      const bytes = sampleBytes(8 * MIB)

      const hello = await hub.hello()
      const answer = await echo.echo({ body: bytes.subarray(0, 900_000) })
      const { body } = await echo.stream({}, { body: inPieces(bytes, 50_000) })
      const came = await digestOf(body)

      assert.equal(hello.maxFrameBytes, MIB)
      assert.deepEqual(hello.apps, [0, 1])
      assert.deepEqual(answer, bytes.subarray(0, 900_000))
      assert.deepEqual(came, await digestOf(whole(bytes)))
    })
  }

  test('pushes events to our client, with credit and without', async () => {
    await using go = await GoNode.start()
    await using hub = await connect(go.address)

    for (const options of [{}, { credit: 64 }]) {
      const events = await hub.client(echoService).ticks({ count: 500 }, options)
      const numbers = await within(ANSWER_MS, 'the last event', numbersOf(events))
      assert.deepEqual(numbers, [...Array(500).keys()])
    }
  })

  test('refuses what our client asks for wrongly, with all members of an error', async () => {
    await using go = await GoNode.start()
    await using hub = await connect(go.address)

    const refusal = await failure(hub.client(echoService).ticks({ count: 0 }))

    assert.equal(refusal.status, 400)
    assert.equal(refusal.code, 'bad_request')
    assert.equal(refusal.retryable, false)
  })

  test('ends by itself when its input ends', async () => {
    await using go = await GoNode.start()

    go.child.endInput()

    assert.equal((await go.child.ended()).code, 0)
  })

  describe('as a hostile responder', () => {
    let go: GoNode

    before(async () => {
      go = await GoNode.start('--hostile')
    })
    after(() => go[Symbol.asyncDispose]())

    const answered = [
      'good',
      'stray answers',
      'requests',
      'two kinds',
      'no kind',
      'early events',
      'without START',
      'END alone',
      'code 204',
      'byte by byte',
      'cap on an answer',
      'cap beyond',
      'reserved flags'
    ]
    for (const script of answered) {
      test(`is understood by our client when it sends: ${script}`, async () => {
        await using hub = await connect(go.address)

        const body = await within(ANSWER_MS, 'an answer', play(hub, script))

        assert.equal(Buffer.from(body).toString(), 'good')
      })
    }

    test('may put a mebibyte into one answer frame', async () => {
      await using hub = await connect(go.address)

      const body = await within(ANSWER_MS, 'an answer', play(hub, 'a mebibyte'))

      assert.equal(body.length, MIB - 33)
    })

    const lost: readonly [script: string, reason: string][] = [
      ['length 0', 'bad_frame'],
      ['length 4 GiB - 1', 'frame_oversize'],
      ['version 2', 'bad_version'],
      ['garbage', 'frame_oversize'],
      ['fin', 'session_lost'],
      ['fin inside', 'session_lost'],
      ['fin after start', 'session_lost'],
      ['reset', 'session_lost'],
      ['too many strays', 'session_lost']
    ]
    for (const [script, reason] of lost) {
      test(`costs our client the session and nothing more when it sends: ${script}`, async () => {
        await using hub = await connect(go.address)

        const error = await failure(play(hub, script))

        assert.deepEqual([error.code, error.reason], ['upstream', reason])
        assert.equal(Buffer.from(await within(ANSWER_MS, 'an answer', play(hub, 'good'))).toString(), 'good')
      })
    }

    const refused: readonly [script: string, status: number, code: string, retryable: boolean][] = [
      ['unknown status', 599, 'odd', false],
      ['error not JSON', 404, 'not_found', false],
      ['error empty', 403, 'cap_denied', false],
      ['error in the old', 503, 'overload', true],
      ['error in a body', 500, 'internal', false]
    ]
    for (const [script, status, code, retryable] of refused) {
      test(`is judged by its status when it sends: ${script}`, async () => {
        await using hub = await connect(go.address)

        const error = await failure(play(hub, script))

        assert.deepEqual([error.status, error.code, error.retryable], [status, code, retryable])
      })
    }

    test('does not hold our client longer than its deadline when it is silent', async () => {
      await using hub = await connect(go.address)

      const error = await failure(play(hub, 'silence', { deadlineMs: 300 }))

      assert.equal(error.code, 'deadline')
    })

    test('cannot fill the memory of our client with an answer without end', async () => {
      await using hub = await connect(go.address)
      const before = process.memoryUsage().rss

      const error = await failure(play(hub, 'zeros without end', { deadlineMs: 60_000 }))

      assert.equal(error.counted, 'body_oversize')
      assert.ok(process.memoryUsage().rss - before < 256 * MIB)
    })

    test('costs the command line an exit code and one line', async () => {
      const { code, stderr } = await omnigate(['echo', go.address, '--text', 'garbage'])

      assert.notEqual(code, 0)
      assert.doesNotMatch(stderr, /\n\s+at /)
    })
  })
})

const play = (hub: NodeConnection, script: string, options = {}): Promise<Uint8Array> =>
  hub.client(echoService).echo({ body: Buffer.from(script) }, options)

async function numbersOf(events: AsyncIterable<{ n: number }>): Promise<number[]> {
  const numbers: number[] = []
  for await (const { n } of events) numbers.push(n)
  return numbers
}

/** The OapError that a call fails with in time. */
async function failure(call: Promise<unknown>): Promise<OapError> {
  const error: unknown = await within(2 * ANSWER_MS, 'a failure', call).then(
    () => assert.fail('the call did not fail'),
    (reason: unknown) => reason
  )
  assert.ok(error instanceof OapError, String(error))
  return error
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
