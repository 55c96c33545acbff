// Runs the client of the previous release against this node: `npm run release:compat`. The previous release is the newest
// of releases/; `-- --tarball FILE` takes another. Before the first, a packed copy of this checkout stands in for it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { copyCheckout } from './release/checkout-copy.ts'
import { callWith, fetchRelease, previousRelease } from './release/compat.ts'
import { installTarball } from './release/empty-project.ts'
import { ownNodeFolder } from './release/node-folders.ts'
import { buildTarball } from './release/tarball.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const ownClient = join(root, 'bin', 'release', 'compat-client.mjs')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const { tarball } = parseArgs({ options: { tarball: { type: 'string' } } }).values
const folder = mkdtempSync(join(tmpdir(), 'omnigate compat '))

try {
  const { file, client, name } = await previous()
  const project = join(folder, 'project')
  await installTarball(file, ownNodeFolder(), project)
  await callWith(client, project, [process.execPath, 'bin/omnigate.mjs'], root)
  console.log(
    `the client of ${name} calls this node: HELLO, unary, streamed, events, deadline, capability, mailbox, storage`
  )
} catch (error) {
  console.error(`compat: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function previous(): Promise<{ file: string; client: string; name: string }> {
  if (tarball !== undefined) return { file: resolve(tarball), client: ownClient, name: tarball }
  const release = previousRelease(root, version)
  const into = join(folder, 'previous')
  mkdirSync(into)
  if (release !== undefined) {
    return { file: await fetchRelease(release, into), client: release.client, name: release.version }
  }
  console.log(`note: no previous release yet; a packed copy of ${version} stands in for it`)
  const { path } = await buildTarball(copyCheckout(root, join(folder, 'omnigate')), ownNodeFolder(), into)
  return { file: path, client: ownClient, name: `a packed copy of ${version}` }
}
