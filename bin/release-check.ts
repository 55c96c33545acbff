// Builds the release as a stranger would get it and shows that it is whole: `npm run release:check`, with `-- --tag` for
// what a tag needs besides. Leaves the tarball with its bills of materials in .cache/release/.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanCommit, isGreen } from './gate/record.ts'
import { readRows, rowsOf, tierOfTag } from './gate/rows.ts'
import { changelogProblem } from './release/changelog.ts'
import { copyCheckout } from './release/checkout-copy.ts'
import { outcome, run } from './release/command.ts'
import { callWith, fetchRelease, previousRelease } from './release/compat.ts'
import { contentProblems } from './release/contents.ts'
import { importAll, installTarball, startAndStop, typecheck } from './release/empty-project.ts'
import { isAllowed, productionPackages } from './release/licences.ts'
import { nodeFolder, ownNodeFolder } from './release/node-folders.ts'
import { listed, sbom, writeProductionLock } from './release/sbom.ts'
import { buildTarball } from './release/tarball.ts'

/** A day of use, and the rows beside it. */
const GATE_MS = 36 * 3_600_000

const root = fileURLToPath(new URL('../', import.meta.url))
const words = process.argv.slice(2)
const isTag = words.includes('--tag')
if (words.some(word => word !== '--tag')) fail('the only option is --tag', 64)

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
const packages = productionPackages(lock.packages)
const folder = mkdtempSync(join(tmpdir(), 'omnigate release '))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const node24 = ownNodeFolder()
const copy = copyCheckout(root, join(folder, 'omnigate'))

if (isTag) {
  await step('the tree is clean', () =>
    assert.ok(cleanCommit(root), 'commit or remove what git status shows')
  )
  await step(`the ${tierOfTag(`v${manifest.version}`)} gate is green`, gateIsGreen)
}
await step('the changelog names the version', () => {
  const problem = changelogProblem(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), manifest.version, isTag)
  assert.ok(problem === undefined, problem)
})
await step('the exports are recorded and the version allows them', () =>
  run(process.execPath, ['bin/api.ts'], { cwd: root })
)
await step(`licences of ${packages.length} packages`, () => {
  const refused = packages.filter(({ licence }) => !isAllowed(licence))
  assert.deepEqual(refused, [], `not on the list of bin/release/licences.ts: ${JSON.stringify(refused)}`)
})
const tarball = await step('build and pack', () => buildTarball(copy, node24, join(folder, 'first')))
await step('two builds, same bytes', async () => {
  // Elsewhere, later, for another owner's eyes, in another place of the world.
  const other = copyCheckout(root, join(folder, 'a second place', 'deeper', 'omnigate'))
  const second = await buildTarball(other, node24, join(folder, 'second'), {
    TZ: 'Pacific/Chatham',
    LC_ALL: 'C'
  })
  assert.equal(second.integrity, tarball.integrity, 'the tarballs differ')
})
await step(`contents: ${tarball.files.length} files, ${tarball.size} bytes packed`, () => {
  const released = JSON.parse(readFileSync(join(copy, 'dist', 'package.json'), 'utf8'))
  assert.deepEqual(contentProblems(tarball, released), [])
})
await step('publint', () => publint())
await step('bills of materials, CycloneDX and SPDX', writeBills)
await Promise.all(
  [20, 24].map(major => step(`an empty project under Node ${major}`, () => tryProject(major)))
)
await step('types hold in an empty project', () =>
  typecheck(project(24), join(root, 'node_modules', 'typescript', 'bin', 'tsc'))
)
const previous = previousRelease(root, manifest.version)
if (previous === undefined)
  console.log('note: no previous release yet; the client of this one stands in for it')
await step(`the client of ${previous?.version ?? 'this release'} calls this node`, callByPrevious)
console.log(`release ${manifest.version}: whole; see .cache/release/`)

async function step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    const result = await work()
    console.log(`pass ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${name}`)
    return result
  } catch (error) {
    console.log(`fail ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${name}`)
    return fail(error instanceof Error ? error.message : String(error), 1)
  }
}

async function gateIsGreen(): Promise<void> {
  const tier = tierOfTag(`v${manifest.version}`)
  const rows = rowsOf(readRows(readFileSync(join(root, 'docs', 'gates.md'), 'utf8')), tier)
  const isRecorded = isGreen(root, cleanCommit(root) ?? '', tier, rows)
  if (isRecorded) return
  const { code, output } = await outcome(process.execPath, ['bin/gate.ts', tier], {
    cwd: root,
    timeoutMs: GATE_MS
  })
  assert.equal(code, 0, output)
}

async function publint(): Promise<void> {
  await run(process.execPath, [join(root, 'node_modules', 'publint', 'src', 'cli.js'), 'dist', '--strict'], {
    cwd: copy
  })
}

async function writeBills(): Promise<void> {
  const into = join(root, '.cache', 'release')
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  copyFileSync(tarball.path, join(into, basename(tarball.path)))
  const time = execFileSync('git', ['log', '-1', '--format=%cI'], { cwd: root, encoding: 'utf8' }).trim()
  const subject = { integrity: tarball.integrity, time: new Date(time).toISOString() }
  const released = JSON.parse(readFileSync(join(copy, 'dist', 'package.json'), 'utf8'))
  const locked = writeProductionLock(join(folder, 'sbom', 'omnigate'), released, lock)
  const expected = [
    ...new Set(packages.map(({ path, version }) => `${path.split('node_modules/').at(-1)}@${version}`))
  ].sort()
  for (const [format, ending] of [
    ['cyclonedx', 'cdx'],
    ['spdx', 'spdx']
  ] as const) {
    const text = await sbom(format, locked, node24, subject)
    assert.deepEqual(
      [...new Set(listed(format, text))].sort(),
      expected,
      `${format} does not list what is installed`
    )
    writeFileSync(join(into, `omnigate-${tarball.version}.${ending}.json`), text)
  }
}

async function callByPrevious(): Promise<void> {
  const command = [process.execPath, 'bin/omnigate.mjs']
  if (previous === undefined)
    return callWith(join(root, 'bin', 'release', 'compat-client.mjs'), project(24), command, root)
  const into = join(folder, 'previous')
  mkdirSync(into)
  await installTarball(await fetchRelease(previous, into), node24, join(folder, 'previous-project'))
  await callWith(previous.client, join(folder, 'previous-project'), command, root)
}

async function tryProject(major: number): Promise<void> {
  const bin = major === 24 ? node24 : await nodeFolder(root, major)
  await installTarball(tarball.path, bin, project(major))
  await importAll(project(major), bin)
  await startAndStop(project(major), bin)
}

function project(major: number): string {
  return join(folder, `project-${major}`)
}

function fail(problem: string, code: number): never {
  console.error(`release: ${problem}`)
  process.exit(code)
}
