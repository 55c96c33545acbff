import { given, wholeGiven } from '../given.ts'
import { revokedAfter, startStar } from './star.ts'

// How soon a right that is revoked at one hub is dead at all that are linked with it: calls under way there end.
const values = given({ hubs: { type: 'string', default: '20' }, rounds: { type: 'string', default: '10' } })
const HUBS = wholeGiven('hubs', values.hubs, [2, 200])
const ROUNDS = wholeGiven('rounds', values.rounds, [1, 10_000])
const WITHIN_MS = 1000

await using star = await startStar(HUBS)
const times: number[] = []
for (let round = 0; round < ROUNDS; round++) times.push(...(await revokedAfter(star)))
times.sort((a, b) => a - b)
const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? Infinity
const isGood = at(0.99) <= WITHIN_MS
console.log(
  `${HUBS} hubs in one process, ${ROUNDS} revocations: ${times.length} calls at other hubs ended as revoked, ` +
    `p50 ${at(0.5).toFixed(1)}, p99 ${at(0.99).toFixed(1)}, most ${at(1).toFixed(1)} ms${isGood ? '' : `; NOT HELD: p99 over ${WITHIN_MS} ms`}`
)
process.exitCode = isGood ? 0 : 1
