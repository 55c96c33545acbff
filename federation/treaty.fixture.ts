import fc from 'fast-check'
import type { Treaty, TreatyRow } from './treaty.ts'

export const TENANT = '6e5a8a06-1111-4222-8333-944444444444'
export const SHARE = { id: 'aa'.repeat(16), name: 'dispatch' }
export const ROW: TreatyRow = {
  share: SHARE,
  dir: 'both',
  tenant: TENANT,
  topics: ['dispatch/**'],
  relay: false
}

const segment = fc.constantFrom('a', 'b', '*')
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, hasTail]) => [...segments, ...(hasTail ? ['**'] : [])].join('/'))
const row: fc.Arbitrary<TreatyRow> = fc.record(
  {
    share: fc.constantFrom(...['1', '2', '3'].map(digit => ({ id: digit.repeat(32), name: `s${digit}` }))),
    dir: fc.constantFrom('in', 'out', 'both'),
    tenant: fc.constant(TENANT),
    topics: fc.uniqueArray(pattern, { minLength: 1, maxLength: 4 }),
    relay: fc.boolean()
  },
  { noNullPrototype: true }
)

/** Treaties without contradictions. */
export const treaties: fc.Arbitrary<Treaty> = fc.record(
  {
    rows: fc.uniqueArray(row, { maxLength: 3, selector: ({ share }) => share.id }),
    classes: fc.uniqueArray(fc.constantFrom('public' as const, 'federated' as const)),
    verbs: fc.uniqueArray(fc.constantFrom('echo:call', 'mailbox:send', 'audit:read')),
    witness: fc.boolean(),
    quotas: fc.record(
      {
        calls_per_s: fc.integer({ min: 1, max: 1e9 }),
        bytes_per_s: fc.integer({ min: 1024 * 1024, max: 2 ** 31 - 1 }),
        streams: fc.integer({ min: 1, max: 65_536 })
      },
      { noNullPrototype: true }
    ),
    window_s: fc.integer({ min: 60, max: 31_622_400 }),
    expires: fc.integer({ min: 1, max: 2 ** 31 - 1 })
  },
  { requiredKeys: ['rows', 'classes', 'verbs', 'witness', 'quotas', 'window_s'], noNullPrototype: true }
)
