import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { matches } from '../docs/harness/match.ts'
import { parsePage } from '../docs/harness/page.ts'
import { Program, folderOf } from './program.fixture.ts'

const pageOf = (path: string) => parsePage(readFileSync(`${folderOf('federation')}${path}`, 'utf8')).steps
const [shown] = pageOf('README.md')
const { scripts } = JSON.parse(readFileSync(`${folderOf('federation')}../../package.json`, 'utf8')) as {
  scripts: Record<string, string>
}

test('three hubs federate as their page shows, and all of it holds', { timeout: 300_000 }, async t => {
  assert.equal(shown?.command, 'npm run --silent demo')
  assert.deepEqual(pageOf('../../README.md')[0]?.output, shown.output)
  assert.equal(scripts['demo'], 'node examples/federation/demo.ts')
  const demo = new Program(t, 'federation', ['demo.ts'], '')

  const [code] = await demo.end

  assert.equal(code, 0, demo.printed)
  assert.ok(matches(shown.output, demo.printed), demo.printed)
})
