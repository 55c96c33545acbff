import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'

const SCRIPT = `
import { Edges } from './edges.ts'
import { Fuzzer } from './fuzzer.ts'
import { gatherStrays } from './strays.ts'
gatherStrays()
const run = async bytes => {
  if (bytes.length === 2) void Promise.reject(new Error('unheard'))
  if (bytes.length === 4) setImmediate(() => { throw new Error('thrown alone') })
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
}
const target = { name: 'strays', mutations: [], dictionary: [], seeds: () => [], run }
for (const n of [1, 2, 3, 4, 5]) {
  const found = await new Fuzzer(target, new Edges(), 1).replay([{ bytes: new Uint8Array(n), isPinned: false }])
  console.log(n, found?.error.message)
}
`

test('counts what fails unheard against the input that caused it', () => {
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    cwd: import.meta.dirname,
    encoding: 'utf8'
  })

  assert.deepEqual(said.trim().split('\n'), [
    '1 undefined',
    '2 unheard',
    '3 undefined',
    '4 thrown alone',
    '5 undefined'
  ])
})
