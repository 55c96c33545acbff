// Tags the commit as the release of its version, if everything that a tag needs is green: `npm run release:tag`.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const { status } = spawnSync(process.execPath, ['bin/release-check.ts', '--tag'], {
  cwd: root,
  stdio: 'inherit'
})
if (status !== 0) {
  console.error(`release: v${version} is not tagged`)
  process.exit(status ?? 1)
}
execFileSync('git', ['tag', '-a', `v${version}`, '-m', `Omnigate ${version}`], {
  cwd: root,
  stdio: 'inherit'
})
console.log(
  `tagged v${version}; publish .cache/release/omnigate-${version}.tgz, then: npm run release:record`
)
