import { parseArgs } from 'node:util'
import { spreadOf, spreadText } from '../dht/spread.ts'
import { revokedAfter, startStar } from './star.ts'

// How soon a right that is revoked at one hub is dead at all that are linked with it: calls under way there end.
const { values } = parseArgs({
  options: { hubs: { type: 'string', default: '20' }, rounds: { type: 'string', default: '10' } }
})
const HUBS = Number(values.hubs)
const ROUNDS = Number(values.rounds)
const WITHIN_MS = 1000

await using star = await startStar(HUBS)
const times: number[] = []
for (let round = 0; round < ROUNDS; round++) times.push(...(await revokedAfter(star)))
const spread = spreadOf(times)
const isGood = spread.p99 <= WITHIN_MS
console.log(
  `${HUBS} hubs in one process, ${ROUNDS} revocations: ${times.length} calls at other hubs ended as revoked, ` +
    `${spreadText(spread)}${isGood ? '' : `; NOT HELD: p99 over ${WITHIN_MS} ms`}`
)
process.exitCode = isGood ? 0 : 1
