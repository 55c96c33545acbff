import { given, refuseArguments, wholeGiven } from '../given.ts'
import { connectionCases } from './cases/connections.ts'
import { frameCases } from './cases/frames.ts'
import { handshakeCases } from './cases/handshakes.ts'
import { sharingCases } from './cases/sharing.ts'
import { sessionCases } from './cases/sessions.ts'
import { streamCases } from './cases/streams.ts'
import { backpressure } from './loads/backpressure.ts'
import { httpCitizen } from './loads/http-citizen.ts'
import { httpOverload } from './loads/http-overload.ts'
import { httpSlow } from './loads/http-slow.ts'
import { hubs } from './loads/hubs.ts'
import { linked } from './loads/linked.ts'
import { quotas } from './loads/quotas.ts'
import { storage } from './loads/storage.ts'
import { strangers } from './loads/strangers.ts'
import { runCases } from './case-runner.ts'

const LOADS: Readonly<Record<string, (full: boolean, seconds?: number) => Promise<boolean>>> = {
  strangers,
  linked,
  hubs,
  backpressure,
  quotas,
  storage,
  'http-slow': httpSlow,
  'http-overload': httpOverload,
  'http-citizen': httpCitizen
}
const CASES = [
  ...frameCases,
  ...sessionCases,
  ...streamCases,
  ...connectionCases,
  ...handshakeCases,
  ...sharingCases
]

const values = given({
  short: { type: 'boolean', default: false },
  case: { type: 'string' },
  load: { type: 'string' },
  // Of the load `http-citizen`.
  seconds: { type: 'string' }
})
process.exitCode = (await run(values)) ? 0 : 1

async function run(asked: typeof values): Promise<boolean> {
  if (asked.load !== undefined) return await chosenLoad(asked.load)(!asked.short, secondsOf(asked))
  const chosen = CASES.filter(({ name }) => asked.case === undefined || name.includes(asked.case))
  if (chosen.length === 0) refuseArguments(`--case ${asked.case}: no case has that in its name`)
  return await runCases(chosen, !asked.short)
}

function secondsOf({ load, seconds }: typeof values): number | undefined {
  if (seconds === undefined) return undefined
  if (load !== 'http-citizen') refuseArguments('--seconds: goes with --load http-citizen alone')
  return wholeGiven('seconds', seconds, [1, 86_400])
}

function chosenLoad(name: string): (typeof LOADS)[string] {
  const load = LOADS[name]
  if (load === undefined) refuseArguments(`--load ${name}: one of ${Object.keys(LOADS).join(', ')}`)
  return load
}
