import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { EXIT, fuzzCommand } from './command.ts'
import { BYTE_MUTATIONS } from './engine/mutate.ts'
import type { Target } from './engine/target.ts'

const target: Target = {
  name: 'sample',
  about: 'fails for a byte of 7',
  maxBytes: 20,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [],
  seeds: () => [Uint8Array.of(1)],
  run: input => assert.ok(!input.includes(7), 'a byte is 7')
}

/** A folder of its own with an empty corpus, and what the command says. */
function setting(t: TestContext, corpus = '') {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'sample.txt'), corpus)
  const lines: string[] = []
  const run = (...argv: string[]) =>
    fuzzCommand(argv, {
      names: ['sample'],
      load: () => Promise.resolve([target]),
      corpus: pathToFileURL(`${folder}/`),
      findings: pathToFileURL(`${folder}/findings/`),
      say: line => lines.push(line),
      complain: line => lines.push(line)
    })
  return { run, folder, lines }
}

test('replays only, when it is given no minutes', async t => {
  const { run, lines } = setting(t, 'AQID\nBAUG\n')

  assert.equal(await run('--minutes', '0'), EXIT.clean)

  assert.match(lines.join('\n'), /sample: 3 executions/)
})

test('ends with 1 for a finding, which it leaves in a file that fails again', async t => {
  const { run, folder, lines } = setting(t)

  assert.equal(await run('--minutes', '1', '--seed', '4'), EXIT.finding)

  const [name] = readdirSync(join(folder, 'findings'))
  assert.deepEqual([...readFileSync(join(folder, 'findings', name!))], [7])
  assert.match(
    lines.join('\n'),
    /FINDING in sample: 1 bytes[^]*a byte is 7[^]*reproduce: npm run fuzz -- --target sample/
  )
  assert.equal(await run('--target', 'sample', '--input', join(folder, 'findings', name!)), EXIT.finding)
})

test('fails by the corpus alone when an input of it fails', async t => {
  const { run } = setting(t, 'AQcD\n')

  assert.equal(await run('--minutes', '0'), EXIT.finding)
})

test('pins an input to the corpus', async t => {
  const { run, folder } = setting(t, 'AQID\n')
  writeFileSync(join(folder, 'input'), Uint8Array.of(9))

  assert.equal(await run('--target', 'sample', '--input', join(folder, 'input'), '--pin'), EXIT.clean)

  assert.equal(readFileSync(join(folder, 'sample.txt'), 'utf8'), '!CQ==\nAQID\n')
})

test('ends with 2 for what it does not understand and 3 for what it cannot read', async t => {
  const { run, lines } = setting(t)

  assert.equal(await run('--target', 'other'), EXIT.usage)
  assert.equal(await run('--target', 'sample', '--input', '/nowhere/at/all'), EXIT.broken)

  assert.match(lines.join('\n'), /--target other: one of sample[^]*could not run: .*ENOENT/)
})
