// @ts-check
// Builds dist/, the folder that is released: `npm pack ./dist`.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reachedTypes } from './reached-types.mjs'
import { filesOf, releaseManifest, withEmittedImports } from './release-manifest.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

// What the release carries beside the emitted code. A file named here that does not exist ends the build.
const FILES = ['LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'bin/omnigate.mjs', 'bin/runtime.mjs']
const FOLDERS = [
  'specs/*.{md,json}',
  // Those that `omnigate conformance` plays; all others are for whoever implements, and stay in the repository.
  'specs/vectors/oap1-*.json',
  'registry/*.{md,json}',
  'configs/**/*.{toml,json,yml,yaml,md,service}'
]

// What programs alone read: without white space.
const COMPACT = ['specs/requirements.json', 'registry/app_proto_ids.schema.json', 'configs/grafana.json']

build()

function build() {
  rmSync(dist, { recursive: true, force: true })
  compile()
  for (const file of globSync('**/*.d.ts', { cwd: dist })) rewrite(join(dist, file))
  for (const file of [...FILES, ...globSync(FOLDERS, { cwd: root })]) copy(file)
  chmodSync(join(dist, 'bin', 'omnigate.mjs'), 0o755)
  const manifest = releaseManifest(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  writeFileSync(join(dist, 'package.json'), JSON.stringify(manifest, null, 2) + '\n')
  checkTargets(manifest)
  keepReachedTypes(manifest)
}

/** What is read has its comments: declarations. What runs has none. */
function compile() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const emitted of [['--emitDeclarationOnly'], ['--declaration', 'false', '--removeComments']]) {
    const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...emitted], {
      cwd: root,
      stdio: 'inherit'
    })
    if (status !== 0) process.exit(status ?? 1)
  }
}

/** @param {string} path */
function rewrite(path) {
  writeFileSync(path, withEmittedImports(readFileSync(path, 'utf8')))
}

/** @param {string} file */
function copy(file) {
  mkdirSync(dirname(join(dist, file)), { recursive: true })
  cpSync(join(root, file), join(dist, file))
  if (!COMPACT.includes(file.replaceAll('\\', '/'))) return
  writeFileSync(join(dist, file), JSON.stringify(JSON.parse(readFileSync(join(root, file), 'utf8'))))
}

/** @param {Record<string, any>} manifest */
function checkTargets(manifest) {
  const targets = [...filesOf(manifest['exports']), ...filesOf(manifest['bin'])]
  const absent = targets.filter(target => !existsSync(join(dist, target)))
  if (absent.length === 0) return
  process.stderr.write(`build: package.json names what was not built: ${absent.join(', ')}\n`)
  process.exit(1)
}

/**
 * Removes the declarations that no export leads to: those of programs, above all.
 * @param {Record<string, any>} manifest
 */
function keepReachedTypes(manifest) {
  const entries = filesOf(manifest['exports'])
    .filter(file => file.endsWith('.d.ts'))
    .map(file => file.replace(/^\.\//, ''))
  const reached = reachedTypes(entries, path => readFileSync(join(dist, path), 'utf8'))
  for (const file of globSync('**/*.d.ts', { cwd: dist }))
    if (!reached.has(file.replaceAll('\\', '/'))) rmSync(join(dist, file))
}
