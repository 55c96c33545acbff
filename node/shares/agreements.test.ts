import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEAST_TREATY, grantOf } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import { Agreements } from './agreements.ts'

const [HUB, SHARE, TENANT] = [`h1${'b'.repeat(52)}`, 'a'.repeat(32), 'paris']
const treaty: Treaty = {
  ...LEAST_TREATY,
  rows: [
    {
      share: { id: SHARE, name: 'orders' },
      dir: 'both',
      tenant: TENANT,
      topics: ['orders/**'],
      relay: true
    }
  ]
}

test('from the second in which the other side’s grant expires nothing is shared, whether there is a link or not', () => {
  let nowS = 999
  const agreements = new Agreements({
    list: () => [],
    allowed: () => ({ hub: HUB, treaty }) as never,
    theirs: () => grantOf({ ...treaty, expires: 1000 }),
    isTenant: () => true,
    nowS: () => nowS
  })
  const ways = () =>
    [agreements.out(HUB, SHARE), agreements.in(HUB, SHARE), agreements.from(HUB, SHARE)].map(
      way => way?.relay
    )
  const before = [ways(), agreements.incoming(HUB)]

  nowS = 1000

  assert.deepEqual(before, [[true, true, true], [SHARE]])
  assert.deepEqual([ways(), agreements.incoming(HUB)], [[undefined, undefined, undefined], []])
})
