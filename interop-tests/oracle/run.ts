import { createHash, randomBytes, randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cidOf, cidText, storageService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { Child } from '../child.ts'
import { differenceOf, isTold } from './difference.ts'

// Whether the time until an answer tells what another tenant has stored: `npm run oracle -- --requests 10000 --only get`. As many
// requests for what is hidden as for what is nowhere, of each operation, in random order, one at a time.
const WARM_UP = 100
const PUTS_AT_ONCE = 32
const SMALL_BYTES = 200
const PUT_BYTES = 20_000

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    only: { type: 'string' },
    json: { type: 'boolean' }
  }
})
type Blobs = Awaited<ReturnType<typeof blobsOf>>
type Kind = 'hidden' | 'absent'

interface Content {
  readonly kind: Kind
  readonly bytes: Buffer
}

async function measured(count: number): Promise<boolean> {
  await using child = new Child(process.execPath, [
    fileURLToPath(new URL('node-process.ts', import.meta.url))
  ])
  const { address, owner, other } = (await child.firstJson()) as Record<'address' | 'owner' | 'other', string>
  await using owning = await connect(address, { cap: owner })
  await using asking = await connect(address, { cap: other })
  const [theirs, ours] = [blobsOf(owning), blobsOf(asking)]
  let isQuiet = true
  for (const [op, bytes, ask] of OPERATIONS.filter(([op]) => (values.only ?? op) === op)) {
    const contents = shuffled(count + WARM_UP, bytes)
    await stored(theirs, contents)
    const times: Record<Kind, number[]> = { hidden: [], absent: [] }
    for (const [n, { kind, bytes: content }] of contents.entries()) {
      const from = performance.now()
      await ask(ours, content)
      if (n >= WARM_UP) times[kind].push(performance.now() - from)
    }
    isQuiet = report(op, times) && isQuiet
  }
  return isQuiet
}

const blobsOf = (hub: Awaited<ReturnType<typeof connect>>) => hub.client(storageService)

const cidFor = (bytes: Buffer): string => cidText(cidOf('raw', createHash('sha256').update(bytes).digest()))

const notFound = async (answer: Promise<unknown>): Promise<void> => {
  const code = await answer.then(
    () => 'answered',
    (error: { readonly code?: string }) => error.code
  )
  if (code !== 'not_found') throw new Error(`not_found was expected, ${code} came`)
}

const OPERATIONS: readonly (readonly [
  op: string,
  bytes: number,
  ask: (blobs: Blobs, content: Buffer) => Promise<unknown>
])[] = [
  ['get', SMALL_BYTES, (blobs, content) => notFound(blobs.get({ cid: cidFor(content) }))],
  ['has', SMALL_BYTES, (blobs, content) => blobs.has({ cids: [cidFor(content)] })],
  ['providers', SMALL_BYTES, (blobs, content) => blobs.providers({ cid: cidFor(content) })],
  ['put', PUT_BYTES, (blobs, content) => blobs.put({}, { body: [content] })]
]

/** Half of them are to be hidden, in an order that nobody can guess. */
function shuffled(count: number, bytes: number): Content[] {
  const all = Array.from({ length: count }, (_, n): Content => ({
    kind: n % 2 === 0 ? 'hidden' : 'absent',
    bytes: randomBytes(bytes)
  }))
  for (let n = all.length - 1; n > 0; n--) {
    const other = randomInt(n + 1)
    ;[all[n], all[other]] = [all[other]!, all[n]!]
  }
  return all
}

async function stored(blobs: Blobs, contents: readonly Content[]): Promise<void> {
  const queue = contents.filter(({ kind }) => kind === 'hidden').values()
  const lane = async (): Promise<void> => {
    for (const { bytes } of queue) await blobs.put({}, { body: [bytes] })
  }
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, lane))
}

function report(op: string, { hidden, absent }: Record<Kind, readonly number[]>): boolean {
  const found = differenceOf(hidden, absent)
  const isQuiet = !isTold(found)
  const [hiddenMs, absentMs] = found.medians
  const line =
    values.json === true
      ? JSON.stringify({ op, requests: hidden.length + absent.length, ...found, told: !isQuiet })
      : [
          op.padEnd(10),
          `${hidden.length + absent.length} requests`,
          `median ${hiddenMs.toFixed(3)} ms hidden, ${absentMs.toFixed(3)} ms absent`,
          `AUC ${found.auc.toFixed(4)} (0.5 is nothing, chance ${found.chance.toFixed(4)})`,
          isQuiet ? 'no difference' : 'A DIFFERENCE'
        ].join('  ')
  process.stdout.write(`${line}\n`)
  return isQuiet
}

const requests = Number(values.requests)
if (!Number.isInteger(requests) || requests < 100 || requests > 1_000_000) {
  process.stderr.write('oracle: --requests: an integer from 100 to 1000000\n')
  process.exit(2)
}
process.exitCode = (await measured(requests)) ? 0 : 1
