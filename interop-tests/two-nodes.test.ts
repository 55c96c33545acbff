import assert from 'node:assert/strict'
import test from 'node:test'
import { echoService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { digestOf, inPieces, sampleBytes } from './bodies.ts'
import { OurNode, omnigate } from './our-node.ts'

const MIB = 1024 * 1024

for (const encryption of ['noise', 'tls'] as const) {
  test(`two processes speak HELLO, echo and a streamed body over ${encryption}`, async () => {
    await using node = await OurNode.start({ encryption })
    await using hub = await connect(node.address, { encryption: [encryption] })
    const echo = hub.client(echoService)
    const bytes = sampleBytes(8 * MIB)

    const hello = await hub.hello()
    const answer = await echo.echo({ body: bytes.subarray(0, 900_000) })
    const { body } = await echo.stream({}, { body: inPieces(bytes, 50_000) })

    assert.equal(hub.encryption, encryption)
    assert.equal(hello.maxFrameBytes, MIB)
    assert.deepEqual(answer, bytes.subarray(0, 900_000))
    assert.deepEqual(await digestOf(body), await digestOf(asStream(bytes)))
  })
}

test('the command line of one process reaches the node of another', async () => {
  await using node = await OurNode.start()

  const hello = await omnigate(['hello', node.address, '--json'])
  const echo = await omnigate(['echo', node.address, '--text', 'across processes'])

  assert.equal(hello.code, 0, hello.stderr)
  assert.equal(JSON.parse(hello.stdout.join('')).hello?.max_frame ?? MIB, MIB)
  assert.equal(echo.code, 0, echo.stderr)
  assert.match(echo.stdout.join('\n'), /across processes/)
})

test('a node that takes loopback for strangers still answers them within their bounds', async () => {
  await using node = await OurNode.start({ strangers: true })
  await using hub = await connect(node.address)
  const bytes = sampleBytes(900_000)

  const answer = await hub.client(echoService).echo({ body: bytes })

  assert.deepEqual(answer, bytes)
})

async function* asStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
