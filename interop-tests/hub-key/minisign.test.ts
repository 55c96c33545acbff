import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parsePublicKey, verifyFile } from 'omnigate'

const OMNIGATE = fileURLToPath(new URL('../../bin/omnigate.mjs', import.meta.url))
const MOST_MS = 120_000
const missing = (program: string, flag: string): string | false =>
  spawnSync(program, [flag]).error === undefined ? false : `${program} is not installed`

describe('minisign', { skip: missing('minisign', '-v') }, () => {
  test('a key that minisign protected, at its full cost, signs for a node once its password is given', t => {
    const at = scratch(t)
    const file = at('next.key')
    ran(minisign(['-G', '-s', file, '-p', at('next.pub')], 'a word\na word\n'))
    ran(omnigate('init', '--data', at('hub')))
    writeFileSync(at('word'), 'a word\n', { mode: 0o600 })

    const args = ['--next-key', file, '--new-password-file', at('word'), '--yes', '--json']
    const { hub_id: hub } = jsonOf(omnigate('key', 'succeed', '--data', at('hub'), ...args))
    const rotated = jsonOf(
      omnigate(
        'key',
        'rotate',
        '--data',
        at('hub'),
        '--json',
        '--hub-key',
        file,
        '--password-file',
        at('word')
      )
    )

    assert.deepEqual([rotated['hub_id'], rotated['epoch']], [hub, 2])
    assert.equal(encodedIn(at('hub/keys/hub.pub')), encodedIn(at('next.pub')))
  })

  test('a key that we protected signs with minisign, which changes its password and makes its public half', t => {
    const at = scratch(t)
    const [key, pub] = [at('hub/keys/hub.key'), at('hub/keys/hub.pub')]
    ran(omnigate('init', '--data', at('hub')))
    writeFileSync(at('one'), 'word one', { mode: 0o600 })
    writeFileSync(at('two'), 'word two', { mode: 0o600 })
    ran(omnigate('key', 'password', '--data', at('hub'), '--new-password-file', at('one')))
    writeFileSync(at('file'), 'content')

    ran(minisign(['-S', '-s', key, '-m', at('file'), '-t', 'theirs'], 'word one\n'))
    ran(minisign(['-C', '-s', key], 'word one\nword two\nword two\n'))
    ran(minisign(['-R', '-s', key, '-p', at('made.pub')], 'word two\n'))

    const signature = readFileSync(at('file.minisig'), 'utf8')
    const publicKey = parsePublicKey(readFileSync(pub, 'utf8'))
    assert.equal(verifyFile(publicKey, Buffer.from('content'), signature), 'theirs')
    assert.equal(encodedIn(at('made.pub')), encodedIn(pub))
    const wrong = omnigate('key', 'password', '--data', at('hub'), '--password-file', at('one'), '--remove')
    assert.deepEqual([wrong.status, /wrong password/.test(wrong.stderr)], [65, true])
    ran(omnigate('key', 'password', '--data', at('hub'), '--password-file', at('two'), '--remove'))
    ran(minisign(['-S', '-W', '-s', key, '-m', at('file')]))
  })

  test('a wrong password is refused by both', t => {
    const at = scratch(t)
    ran(omnigate('init', '--data', at('hub')))
    writeFileSync(at('word'), 'right', { mode: 0o600 })
    ran(omnigate('key', 'password', '--data', at('hub'), '--new-password-file', at('word')))
    writeFileSync(at('file'), 'content')

    const theirs = minisign(['-S', '-s', at('hub/keys/hub.key'), '-m', at('file')], 'wrong\n')
    const ours = omnigateWith(
      { WORD: 'wrong' },
      'key',
      'rotate',
      '--data',
      at('hub'),
      '--password-env',
      'WORD'
    )

    assert.match(theirs.stderr, /Wrong password/)
    assert.notEqual(theirs.status, 0)
    assert.deepEqual([ours.status, /wrong password/.test(ours.stderr)], [65, true])
  })
})

test(
  'at a terminal the passwords are typed, and not shown',
  { skip: missing('script', '--version') },
  async t => {
    const at = scratch(t)
    ran(omnigate('init', '--data', at('hub')))
    const run = (line: string, ...typed: string[]): Promise<string> =>
      atTerminal(`${process.execPath} ${OMNIGATE} ${line}`, typed)

    const set = await run(`key password --data ${at('hub')}`, 'a word', 'a word')
    const used = await run(`key rotate --data ${at('hub')} --json`, 'a word')
    const differ = await run(`key password --data ${at('hub')}`, 'a word', 'one', 'two')

    assert.match(set, /New password of .*hub\.key: \s*Once more: \s*\S*minisign key id/)
    assert.match(used, /Password of .*hub\.key: \s*\{"hub_id":.*"epoch":2/)
    assert.match(differ, /the two passwords differ; nothing was changed/)
    assert.doesNotMatch(set + used + differ, /a word|one\s*\n|two\s*\n/)
    assert.equal(jsonOf(omnigate('key', 'show', '--data', at('hub'), '--json'))['hub_key'], 'locked')
  }
)

/** What a terminal shows while a command runs in it; each text is typed and entered once it has been asked for. */
async function atTerminal(command: string, typed: readonly string[]): Promise<string> {
  const child = spawn('script', ['-qec', command, '/dev/null'], { timeout: MOST_MS })
  let shown = ''
  let next = 0
  child.stdout.on('data', (text: Buffer) => {
    shown += text.toString()
    const asked = shown.match(/(?:of \S+|more): /g)?.length ?? 0
    while (next < Math.min(asked, typed.length)) child.stdin.write(`${typed[next++]}\r`)
  })
  await once(child, 'close')
  return shown
}

function scratch(t: TestContext): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'hub-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return name => join(folder, name)
}

const omnigate = (...args: readonly string[]): SpawnSyncReturns<string> => omnigateWith({}, ...args)

function omnigateWith(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): SpawnSyncReturns<string> {
  const options = { encoding: 'utf8', input: '', env: { ...process.env, ...env }, timeout: MOST_MS } as const
  return spawnSync(process.execPath, [OMNIGATE, ...args], options)
}

const minisign = (args: readonly string[], typed = ''): SpawnSyncReturns<string> =>
  spawnSync('minisign', args, { encoding: 'utf8', input: typed, timeout: MOST_MS })

function ran(result: SpawnSyncReturns<string>): SpawnSyncReturns<string> {
  assert.equal(result.status, 0, result.stderr)
  return result
}

const jsonOf = (result: SpawnSyncReturns<string>): Readonly<Record<string, unknown>> =>
  JSON.parse(ran(result).stdout) as Record<string, unknown>

const encodedIn = (path: string): string | undefined => readFileSync(path, 'utf8').split('\n')[1]
