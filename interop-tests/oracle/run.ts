import { given, refuseArguments, wholeGiven } from '../given.ts'
import { isConfirmed, isTold } from './difference.ts'
import type { Difference } from './difference.ts'
import { Asker, OPERATIONS } from './measure.ts'
import type { Operation } from './measure.ts'

// Whether the time until an answer tells what another tenant has stored: `npm run oracle -- --requests 10000 --only get`. A
// difference is looked for again with blobs of its own before it counts, so that chance alone hardly ever ends a run. With
// --planted, the node has one on purpose. Exits with 1 where there is one, with 64 for wrong arguments.

const values = given({
  requests: { type: 'string', default: '10000' },
  only: { type: 'string' },
  json: { type: 'boolean' },
  planted: { type: 'boolean', default: false }
})
const requests = wholeGiven('requests', values.requests, [100, 1_000_000])
const { only } = values
if (only !== undefined && !OPERATIONS.includes(only as Operation))
  refuseArguments(`--only ${only}: one of ${OPERATIONS.join(', ')}`)
process.exitCode = (await allQuiet()) ? 0 : 1

async function allQuiet(): Promise<boolean> {
  await using asker = await Asker.start({ isPlanted: values.planted })
  let isQuiet = true
  for (const operation of OPERATIONS.filter(name => (only ?? name) === name)) {
    const first = await asker.compare(operation, requests)
    report(operation, first)
    if (!isTold(first)) continue
    const again = await asker.compare(operation, requests)
    report(operation, again)
    if (isConfirmed(first, again)) isQuiet = false
  }
  return isQuiet
}

function report(op: Operation, found: Difference): void {
  const [hiddenMs, absentMs] = found.medians
  const told = isTold(found)
  const text = [
    op.padEnd(10),
    `${found.times} requests`,
    `median ${hiddenMs.toFixed(3)} ms hidden, ${absentMs.toFixed(3)} ms absent`,
    `AUC ${found.auc.toFixed(4)} (0.5 is nothing, chance ${found.chance.toFixed(4)})`,
    told ? 'A DIFFERENCE' : 'no difference'
  ].join('  ')
  process.stdout.write(`${values.json === true ? JSON.stringify({ op, ...found, told }) : text}\n`)
}
