// Keeps what later versions are measured against: `npm run release:record`, once after a release is published.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const tarball = join(root, '.cache', 'release', `omnigate-${version}.tgz`)
const folder = join(root, 'releases', version)

if (existsSync(folder)) refuse(`releases/${version} is there already; a release is recorded once`)
if (!existsSync(tarball))
  refuse(`no ${tarball}; it is what npm run release:check leaves and what you published`)

mkdirSync(folder, { recursive: true })
const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
writeFileSync(join(folder, 'release.json'), `${JSON.stringify({ version, integrity }, null, 2)}\n`)
copyFileSync(join(root, 'docs', 'api.md'), join(folder, 'api.md'))
copyFileSync(join(root, 'bin', 'release', 'compat-client.mjs'), join(folder, 'compat-client.mjs'))
console.log(`recorded releases/${version}; commit it`)

function refuse(problem: string): never {
  console.error(`release: ${problem}`)
  process.exit(1)
}
