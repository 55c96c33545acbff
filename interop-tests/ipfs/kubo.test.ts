import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { addedWithCar } from './added.ts'
import { startGateway } from './gateway-node.ts'
import type { GatewayNode } from './gateway-node.ts'
import { whyNotHere } from './here.ts'
import { KuboRepository, buildKubo } from './kubo.ts'
import { SAMPLES, sha256 } from './samples.ts'

const BUILD_AND_RUN_MS = 45 * 60_000

describe('Kubo', { skip: whyNotHere() ?? false, timeout: BUILD_AND_RUN_MS }, () => {
  let ours: GatewayNode

  before(async () => {
    buildKubo()
    ours = await startGateway()
  })
  after(() => ours?.[Symbol.asyncDispose]())

  for (const [what, bytesOf, profile] of SAMPLES)
    test(`imports a CAR of ours, reads it, and gives the same bytes the same content id: ${what}`, async () => {
      await using importing = await KuboRepository.make()
      await using adding = await KuboRepository.make()
      const bytes = bytesOf()
      const { cid, car, ipfsAdd } = await addedWithCar(ours, bytes, profile)

      const imported = await importing.run(['dag', 'import', car])
      const read = await importing.run(['cat', cid])
      const [ipfs, ...add] = ipfsAdd
      const theirs = await adding.run([...add, '--quieter'], bytes)

      assert.match(imported.toString(), new RegExp(`^Pinned root\\s+${cid}\\s+success\\s*$`))
      assert.equal(sha256(read), sha256(bytes))
      assert.equal(ipfs, 'ipfs')
      assert.equal(theirs.toString().trim(), cid)
      assert.equal(sha256(await adding.run(['cat', cid])), sha256(bytes))
    })

  test('does not read what it did not import', async () => {
    await using empty = await KuboRepository.make()
    const cid = await ours.put(Buffer.from('hello'), { class: 'public' })

    await assert.rejects(empty.run(['cat', cid]), /not found|offline/)
  })
})
