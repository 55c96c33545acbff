import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions } from '@libp2p/interface'
import type { TLSComponents } from '@libp2p/tls'
import { tlsWhenUsed } from './tls-when-used.ts'
import type { MakeEncrypter } from './tls-when-used.ts'

const RAW = {} as MessageStream

/** Secures nothing: it counts how often it is made and asked. */
class Counted {
  loads = 0
  asked: string[] = []
  readonly make: MakeEncrypter = () => {
    const answer = (side: string) => (_: MessageStream, options?: SecureConnectionOptions) => {
      this.asked.push(`${side} ${String(options?.skipStreamMuxerNegotiation)}`)
      return Promise.resolve({})
    }
    return {
      protocol: '/tls/1.0.0',
      secureInbound: answer('in'),
      secureOutbound: answer('out')
    } as unknown as ConnectionEncrypter
  }
}

const encrypter = (load: () => Promise<MakeEncrypter>) => tlsWhenUsed(load)({} as TLSComponents)

void test('code is loaded once, by the first handshake, which has it', async () => {
  const code = new Counted()
  const tls = encrypter(() => {
    code.loads++
    return Promise.resolve(code.make)
  })
  assert.equal(tls.protocol, '/tls/1.0.0')
  assert.equal(code.loads, 0)

  await tls.secureOutbound(RAW, { skipStreamMuxerNegotiation: true })
  await tls.secureInbound(RAW)

  assert.equal(code.loads, 1)
  assert.deepEqual(code.asked, ['out true', 'in undefined'])
})

void test('a handshake whose deadline passes while code is loading ends with it', async () => {
  const code = new Counted()
  const loading = Promise.withResolvers<MakeEncrypter>()
  const tls = encrypter(() => loading.promise)
  const late = new AbortController()

  const secured = tls.secureOutbound(RAW, { signal: late.signal })
  late.abort(new Error('took too long'))

  await assert.rejects(secured, /took too long/)
  await assert.rejects(tls.secureInbound(RAW, { signal: late.signal }), /took too long/)
  loading.resolve(code.make)
  await tls.secureOutbound(RAW)
  assert.deepEqual(code.asked, ['out undefined'])
})

void test('code that cannot be loaded fails the handshake, and the next one tries again', async () => {
  const code = new Counted()
  const tls = encrypter(() =>
    code.loads++ === 0 ? Promise.reject(new Error('Cannot find package')) : Promise.resolve(code.make)
  )

  await assert.rejects(tls.secureOutbound(RAW), /Cannot find package/)
  await tls.secureOutbound(RAW)

  assert.equal(code.loads, 2)
})

void test('code that fails when it is made is tried again, and nobody who has left hears of it', async () => {
  const code = new Counted()
  const tls = encrypter(() => {
    if (code.loads++ === 0) return Promise.resolve(() => fail('cannot be made'))
    if (code.loads === 2) return Promise.reject(new Error('Cannot find package'))
    return Promise.resolve(code.make)
  })

  await assert.rejects(tls.secureOutbound(RAW), /cannot be made/)
  await assert.rejects(tls.secureOutbound(RAW, { signal: AbortSignal.abort(new Error('left')) }), /left/)
  // An unhandled rejection would fail this test.
  await new Promise(setImmediate)
  await tls.secureOutbound(RAW)

  assert.equal(code.loads, 3)
})

function fail(what: string): never {
  throw new Error(what)
}
