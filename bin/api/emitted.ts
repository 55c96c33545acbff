import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectExports } from './report.ts'
import type { Exports } from './report.ts'

/** The exports of a checkout, from the declarations that tsc emits for it. Type errors do not matter here. */
export function exportsOfCheckout(root: string): Exports {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-api-'))
  try {
    const output = emit(root, folder)
    return collectExports(entriesOf(manifest), path => {
      if (!existsSync(join(folder, path))) throw new Error(`api report: tsc made no ${path}\n${output}`)
      return readFileSync(join(folder, path), 'utf8')
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function emit(root: string, folder: string): string {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const flags = ['--emitDeclarationOnly', '--noEmitOnError', 'false', '--outDir', folder]
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [tsc, '-p', join(root, 'tsconfig.build.json'), ...flags],
    {
      cwd: root,
      encoding: 'utf8'
    }
  )
  return stdout + stderr
}

type Target = string | { readonly default: string }

/** What Node is led to; other runtimes get the same names. */
function entriesOf(manifest: { name: string; exports: Record<string, Target> }): Record<string, string> {
  const entries = Object.entries(manifest.exports)
    .map(([path, target]) => [path, typeof target === 'string' ? target : target.default] as const)
    .filter(([, target]) => target.endsWith('.ts'))
  return Object.fromEntries(
    entries.map(([path, target]) => [
      path.replace('.', manifest.name),
      target.replace(/^\.\//, '').replace(/\.ts$/, '.d.ts')
    ])
  )
}
