import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runtimePackage } from '../runtime.mjs'
import { run } from './command.ts'

/** The folder of the Node that runs this, which is the one that the checkout brings. */
export const ownNodeFolder = (): string => dirname(process.execPath)

/** A folder whose `node` has the wanted major version: one in PATH, else one installed into .cache. */
export async function nodeFolder(root: string, major: number): Promise<string> {
  const folders = (process.env['PATH'] ?? '').split(':').filter(folder => !folder.includes('node_modules'))
  const found = folders.find(folder => majorOf(join(folder, 'node')) === major)
  return found ?? (await installed(root, major))
}

async function installed(root: string, major: number): Promise<string> {
  const name = runtimePackage(process.platform, process.arch)
  const folder = join(root, '.cache', 'tools', `node-${major}`)
  const bin = join(folder, 'node_modules', name, 'bin')
  if (majorOf(join(bin, 'node')) === major) return bin
  mkdirSync(folder, { recursive: true })
  const words = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', [...words, '--force', `${name}@${major}`], { cwd: folder })
  return bin
}

function majorOf(program: string): number | undefined {
  if (!existsSync(program)) return undefined
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  return Number(/^v(\d+)\./.exec(version)?.[1])
}
