import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revokedAfter, startStar } from './star.ts'

test(
  'a right that is revoked at one hub is dead at all that are linked with it',
  { timeout: 240_000 },
  async () => {
    await using star = await startStar(4)

    const times = [...(await revokedAfter(star)), ...(await revokedAfter(star))]

    assert.equal(times.length, 6)
    assert.ok(times.every(ms => ms >= 0))
  }
)
