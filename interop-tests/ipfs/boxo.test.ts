import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { addedWithCar } from './added.ts'
import { boxo, buildBoxo } from './boxo.ts'
import { startGateway } from './gateway-node.ts'
import type { GatewayNode } from './gateway-node.ts'
import { whyNotHere } from './here.ts'
import { SAMPLES, sample, sha256 } from './samples.ts'

describe('the libraries of Kubo', { skip: whyNotHere() ?? false, timeout: 900_000 }, () => {
  let ours: GatewayNode

  before(async () => {
    buildBoxo()
    ours = await startGateway()
  })
  after(() => ours?.[Symbol.asyncDispose]())

  for (const [what, bytesOf, profile] of SAMPLES) {
    test(`import a CAR of ours, and give the same bytes the same content id: ${what}`, async () => {
      const bytes = bytesOf()
      const { cid, car, ipfsAdd } = await addedWithCar(ours, bytes, profile)

      const imported = await boxo(['import'], readFileSync(car))
      const [ipfs, add, ...options] = ipfsAdd
      const theirs = await boxo(['add', ...options], bytes)

      const expected = { root: cid, length: bytes.length, sha256: sha256(bytes) }
      const { blocks, ...read } = imported as { readonly blocks: number }
      assert.deepEqual(read, expected)
      assert.ok(blocks >= 1)
      assert.deepEqual([ipfs, add], ['ipfs', 'add'])
      assert.deepEqual(theirs, expected)
    })

    test(`read a public blob through the gateway, by blocks and by CARs: ${what}`, async () => {
      const bytes = bytesOf()
      const cid = await ours.put(bytes, { class: 'public', profile })

      for (const way of ['blocks', 'car'])
        assert.deepEqual(
          await boxo(['fetch', way, ours.url, cid]),
          { root: cid, length: bytes.length, sha256: sha256(bytes) },
          way
        )
    })
  }

  test('read a range, by blocks and by CARs', async () => {
    const bytes = sample('range', 3_000_000)
    const cid = await ours.put(bytes, { class: 'public' })

    for (const [range, part] of [
      ['bytes=100000-299999', bytes.subarray(100_000, 300_000)],
      ['bytes=-7', bytes.subarray(-7)]
    ] as const)
      for (const way of ['blocks', 'car'])
        assert.deepEqual(
          await boxo(['fetch', way, ours.url, cid, range]),
          { root: cid, length: part.length, sha256: sha256(part) },
          `${way} ${range}`
        )
  })

  test('find the gateway by delegated routing', async () => {
    const cid = await ours.put(sample('found', 100_000), { class: 'public' })

    const { providers } = (await boxo(['providers', ours.url, cid])) as {
      readonly providers: readonly {
        readonly ID: string
        readonly Addrs: readonly string[]
        readonly Protocols: readonly string[]
      }[]
    }

    assert.equal(providers.length, 1)
    assert.equal(providers[0]!.ID, ours.peer)
    assert.ok(providers[0]!.Addrs.includes(`/ip4/127.0.0.1/tcp/${new URL(ours.url).port}/http`))
    assert.ok(providers[0]!.Protocols.includes('transport-ipfs-gateway-http'))
  })

  test('neither find nor get what is not public', async () => {
    for (const blobClass of ['private', 'federated'] as const) {
      const cid = await ours.put(sample(blobClass, 100_000), { class: blobClass })

      assert.deepEqual(await boxo(['providers', ours.url, cid]), { providers: [] })
      for (const way of ['blocks', 'car'])
        await assert.rejects(boxo(['fetch', way, ours.url, cid]), /404|not found/i)
    }
  })
})
