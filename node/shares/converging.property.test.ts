import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { island } from './island.fixture.ts'

const HUBS = 3
const hub = fc.nat({ max: HUBS - 1 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ is: fc.constant('send' as const), at: hub }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('link' as const), at: hub, to: hub }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('cut' as const), at: hub, to: hub }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('round' as const), at: hub }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('restart' as const), at: hub }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('take away' as const), at: hub }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('pass' as const), at: fc.nat({ max: 600 }) }) }
)

void test(
  'what one hub took, each has after healing, once, whatever happened before',
  { timeout: 240_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, isRelayed) => {
        const { hubs, clock } = await island(HUBS, { isRelayed })
        const sent: string[] = []
        const taken: number[] = hubs.map(() => 0)
        for (const one of steps) {
          if (one.is === 'pass') {
            clock.pass(one.at)
            continue
          }
          const here = hubs[one.at]!
          if (one.is === 'send') {
            sent.push(`message ${sent.length}`)
            await here.send(sent.at(-1)!)
          } else if (one.is === 'link' && one.to !== one.at) {
            await here.cut(hubs[one.to]!.id)
            here.link(hubs[one.to]!.id, hubs[one.to]!.serving)
          } else if (one.is === 'cut') await here.cut(hubs[one.to]!.id)
          else if (one.is === 'round') await here.round()
          else if (one.is === 'restart') await here.restart()
          else if (one.is === 'take away') {
            const before = (await here.texts()).length
            await here.takeAway()
            taken[one.at]! += before - (await here.texts()).length
          }
        }
        for (const here of hubs) {
          for (const there of hubs) {
            await here.cut(there.id)
            if (here !== there) here.link(there.id, there.serving)
          }
          await here.round()
        }

        // All is inside the window: nothing may be lost, and nothing may come twice, acknowledged or not.
        const isInside = steps.reduce((sum, one) => sum + (one.is === 'pass' ? one.at : 0), 0) < 3600
        for (const [n, here] of hubs.entries()) {
          const texts = await here.texts()
          assert.equal(new Set(texts).size, texts.length)
          if (isInside) assert.equal(texts.length + taken[n]!, sent.length)
          assert.deepEqual(
            here.refused.filter(why => why !== 'stale'),
            []
          )
        }
      }),
      { numRuns: 60 }
    )
  }
)
