import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

const REFUSED: readonly (readonly [string, string])[] = [
  ['protocols/a.ts', `import { b } from '../node/index.ts'`],
  ['protocols/deep/a.ts', `import { b } from '../../transport/index.ts'`],
  ['protocols/a.ts', `import { b } from 'node:fs'`],
  ['protocols/a.ts', `import { b } from '@libp2p/peer-id'`],
  ['transport/a.ts', `import { b } from '../protocols/index.ts'`],
  ['federation/a.ts', `import { b } from '../node/index.ts'`],
  ['federation/a.ts', `import { b } from '../transport/index.ts'`],
  ['federation/deep/a.ts', `import { b } from '../../protocols/frame.ts'`],
  ['dht/a.ts', `import { b } from '../federation/index.ts'`],
  ['dht/deep/a.ts', `import { b } from '../../transport/index.ts'`],
  ['federation/a.ts', `import { b } from '../dht/index.ts'`],
  ['sdk/a.ts', `import { b } from '../federation/index.ts'`],
  ['cli/a.ts', `import { b } from '../federation/index.ts'`],
  ['cli/a.ts', `import { b } from '../node/admin/listen.ts'`],
  ['sdk/a.ts', `import { b } from '../node/setup-error.ts'`],
  ['node/a.ts', `import { b } from '../federation/hub-id.ts'`],
  ['sdk/a.ts', `import { b } from '../node/index.ts'`],
  ['sdk/a.ts', `import { b } from '../protocols/frame.ts'`],
  ['node/deep/a.ts', `import { b } from '../../protocols/frame.ts'`],
  ['node/a.ts', `import { b } from '../cli/index.ts'`],
  ['node/a.ts', `export const b = await import('../sdk/index.ts')`],
  ['bench/a.ts', `import { b } from '../node/index.ts'`],
  ['node/a.ts', `import { lpStream as b } from '@libp2p/utils'`],
  ['sdk/a.ts', `import { pipe as b } from 'it-pipe'`]
]

const ALLOWED: readonly (readonly [string, string])[] = [
  ['protocols/a.ts', `import type { b } from '@libp2p/interface'`],
  ['protocols/a.test.ts', `import { b } from 'node:fs'`],
  ['node/deep/a.ts', `import { b } from '../../protocols/index.ts'`],
  ['federation/a.ts', `import { b } from '../protocols/index.ts'`],
  ['dht/deep/a.ts', `import { b } from '../../protocols/index.ts'`],
  ['node/a.ts', `import { b } from '../dht/index.ts'`],
  ['node/deep/a.ts', `import { b } from '../../federation/index.ts'`],
  ['sdk/a.test.ts', `import { b } from '../node/index.ts'`],
  ['cli/a.ts', `import { b } from '../node/index.ts'`],
  ['cli/deep/a.ts', `export const b = await import('../../node/setup-error.ts')`],
  ['bench/a.ts', `import { b } from 'omnigate'`]
]

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omnigate imports '))
  await copyFile(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
})
after(() => rm(folder, { recursive: true }))

for (const [file, line] of REFUSED) {
  test(`the linter refuses in ${file}: ${line}`, async () => {
    assert.match(await lint(file, line), /no-restricted-imports/)
  })
}

for (const [file, line] of ALLOWED) {
  test(`the linter allows in ${file}: ${line}`, async () => {
    assert.doesNotMatch(await lint(file, line), /no-restricted-imports/)
  })
}

async function lint(file: string, line: string): Promise<string> {
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, line.startsWith('import ') ? `${line}\nexport { b }\n` : `${line}\n`)
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'), '-f', 'unix', file],
    { cwd: folder, encoding: 'utf8' }
  )
  await rm(path)
  assert.ok(status === 0 || status === 1, stderr)
  return stdout
}
