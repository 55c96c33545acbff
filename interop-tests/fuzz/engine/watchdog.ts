import { Worker } from 'node:worker_threads'
import { mkdirSync } from 'node:fs'

/** How long one input may take before it is a finding; a thread of its own sees it, for the loop that hangs cannot. */
const HUNG_MS = 20_000
const MOST_BYTES = 65_536

/** Told of every input before it runs. */
export type Watch = (input: Uint8Array) => void

const SOURCE = `
const { workerData: { shared, file, hungMs, name } } = require('node:worker_threads')
const { writeFileSync, writeSync } = require('node:fs')
const head = new Int32Array(shared, 0, 2)
const bytes = new Uint8Array(shared, 8)
let last = -1
setInterval(() => {
  const turn = Atomics.load(head, 0)
  if (turn !== last) return void (last = turn)
  writeFileSync(file, bytes.slice(0, Atomics.load(head, 1)))
  writeSync(1, 'FINDING in ' + name + ': one input runs for ' + hungMs / 1000 + ' s\\nreproduce: npm run fuzz -- --target ' + name + ' --input ' + file + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, hungMs)
`

/** Ends the process when one input runs for `hungMs` to twice that, and leaves that input in `folder`. */
export function startWatchdog(
  name: string,
  folder: string,
  hungMs = HUNG_MS
): { watch: Watch; stop: () => Promise<unknown> } {
  mkdirSync(folder, { recursive: true })
  const shared = new SharedArrayBuffer(8 + MOST_BYTES)
  const head = new Int32Array(shared, 0, 2)
  const bytes = new Uint8Array(shared, 8)
  const workerData = { shared, file: `${folder}${name}-hung`, hungMs, name }
  const worker = new Worker(SOURCE, { eval: true, execArgv: [], workerData })
  worker.unref()
  const watch: Watch = input => {
    bytes.set(input.subarray(0, MOST_BYTES))
    Atomics.store(head, 1, Math.min(input.length, MOST_BYTES))
    Atomics.add(head, 0, 1)
  }
  return { watch, stop: () => worker.terminate() }
}
