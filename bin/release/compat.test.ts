import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { releasedVersions } from '../api/released.ts'
import { changelogProblem } from './changelog.ts'
import { callWith, previousRelease } from './compat.ts'

const root = mkdtempSync(join(tmpdir(), 'omnigate releases '))
after(() => rmSync(root, { recursive: true }))

test('without releases there is no previous one', () => {
  assert.deepEqual(releasedVersions(root), [])
  assert.equal(previousRelease(root, '0.1.0'), undefined)
})

test('the previous release is the newest that is recorded, this version aside', () => {
  for (const version of ['0.9.0', '0.10.0', '0.10.0-rc.1', '0.2.0']) record(version)

  assert.deepEqual(releasedVersions(root), ['0.2.0', '0.9.0', '0.10.0-rc.1', '0.10.0'])
  assert.equal(previousRelease(root, '0.11.0')?.version, '0.10.0')
  assert.equal(previousRelease(root, '0.10.0')?.version, '0.10.0-rc.1')
  assert.equal(previousRelease(root, '0.11.0')?.client, join(root, 'releases', '0.10.0', 'compat-client.mjs'))
})

test('a release whose client was not kept is an error, not a pass', async () => {
  await assert.rejects(callWith(join(root, 'gone.mjs'), root, ['true'], root), /gone\.mjs is missing/)
})

test('a client that fails is an error that says what it printed, and the node is stopped', async () => {
  const client = join(root, 'failing.mjs')
  writeFileSync(client, `console.error('echo differs'); process.exit(1)`)

  await assert.rejects(callWith(client, project(), standIn(), root), /echo differs/)
})

test('a node that does not end with 0 fails the comparison', async () => {
  const client = join(root, 'fine.mjs')
  writeFileSync(client, '')

  await assert.rejects(callWith(client, project(), standIn(3), root), /ended with 3 after SIGINT/)
  await callWith(client, project(), standIn(0), root)
})

for (const [changelog, isTag, isFine] of [
  ['## 1.0.0, not released', false, true],
  ['## 1.0.0, not released', true, false],
  ['## 1.0.0, 2030-01-31', true, true],
  ['## 1.0.0-rc.1, 2030-01-31', false, false],
  ['', false, false]
] as const) {
  test(`a changelog with "${changelog}" is ${isFine ? 'fine' : 'refused'} for ${isTag ? 'a tag' : 'a commit'} of 1.0.0`, () => {
    assert.equal(changelogProblem(changelog, '1.0.0', isTag) === undefined, isFine)
  })
}

function record(version: string): void {
  const folder = join(root, 'releases', version)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'release.json'), JSON.stringify({ version, integrity: 'sha512-' }))
}

function project(): string {
  const folder = join(root, 'project')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** A program that says where it listens, as `omnigate start --json` does, and ends with `code` at SIGINT. */
function standIn(code = 0): string[] {
  const file = join(root, `stand-in-${code}.mjs`)
  writeFileSync(
    file,
    `process.on('SIGINT', () => process.exit(${code}))
setInterval(() => {}, 1000)
console.log(JSON.stringify({ addresses: ['/ip4/127.0.0.1/tcp/1'] }))`
  )
  return [process.execPath, file]
}
