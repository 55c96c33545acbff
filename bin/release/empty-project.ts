import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, outcome, run } from './command.ts'
import { startNode } from './running-node.ts'

const ENTRIES = ['omnigate', 'omnigate/protocols', 'omnigate/sdk']
const IMPORT = `const counts = {}
for (const name of ${JSON.stringify(ENTRIES)}) counts[name] = Object.keys(await import(name)).length
console.log(JSON.stringify({ node: process.versions.node, counts }))
`
// Were a type lost on the way, it would be any, and the lines that expect an error would have none.
const TYPED = `import { createNode } from 'omnigate'
import { encodeFrame } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
// @ts-expect-error
createNode(1)
// @ts-expect-error
encodeFrame('frame')
// @ts-expect-error
connect(4801)
export const bytes: Uint8Array = encodeFrame({ flags: 0 })
`

/** Makes an empty project with one dependency, a tarball, installed by npm under the Node of `nodeFolder`. */
export async function installTarball(tarball: string, nodeFolder: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const manifest = { name: 'empty', private: true, type: 'module', scripts: { import: 'node import.mjs' } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', tarball]
  await run('npm', words, { cwd: folder, env: cleanEnv(nodeFolder) })
}

/** Imports every path of the installed package in a script of npm; returns what it was run by. */
export async function importAll(folder: string, nodeFolder: string): Promise<string> {
  writeFileSync(join(folder, 'import.mjs'), IMPORT)
  const said = await run('npm', ['run', '--silent', 'import'], { cwd: folder, env: cleanEnv(nodeFolder) })
  const { node, counts } = JSON.parse(said) as { node: string; counts: Record<string, number> }
  for (const entry of ENTRIES) assert.ok((counts[entry] ?? 0) > 0, `${entry} exports nothing`)
  return node
}

/** Makes a node with `npx omnigate start`, calls it, stops it, and does so again with what npm linked, by its exit code. */
export async function startAndStop(folder: string, nodeFolder: string): Promise<void> {
  const env = cleanEnv(nodeFolder)
  const first = await startNode(['npx', 'omnigate'], ['--data', './hub', '--init'], {
    cwd: folder,
    env,
    isNpx: true
  })
  try {
    assert.match(await run('npx', ['omnigate', 'status', '--data', './hub'], { cwd: folder, env }), /h1/)
  } finally {
    await first.stop()
  }
  const linked = join('node_modules', '.bin', 'omnigate')
  const second = await startNode([linked], ['--data', './hub'], { cwd: folder, env })
  try {
    // As the first client of the folder, whose token the first start minted.
    const call = `. ./hub/client/env && ${linked} echo ${second.address} --text 'hello hub'`
    assert.match(await run('sh', ['-c', call], { cwd: folder, env }), /hello hub/)
  } finally {
    await second.stop()
  }
}

/** Checks a program against the declarations of the installed package. */
export async function typecheck(folder: string, tsc: string): Promise<void> {
  writeFileSync(join(folder, 'typed.ts'), TYPED)
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--skipLibCheck',
    '--types',
    ''
  ]
  const { code, output } = await outcome(process.execPath, [tsc, ...flags, 'typed.ts'], { cwd: folder })
  if (code !== 0) throw new Error(`its types do not hold:\n${output}`)
}
