import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem, type } from 'node:os'

const GIB = 2 ** 30
const STACK = ['libp2p', '@libp2p/tcp', '@libp2p/noise', '@libp2p/yamux', '@libp2p/tls', '@libp2p/gossipsub']

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU'
  return `${availableParallelism()} x ${model}, ${Math.round(totalmem() / GIB)} GiB, ${type()}`
}

/** Versions of what a figure depends on, as installed. */
export function versions(): string {
  const stack = STACK.map(name => `${name.replace('@libp2p/', '')} ${installedVersion(name)}`)
  return [`node ${process.versions.node}`, ...stack].join(', ')
}

const RESULTS = ':(top,exclude)bench/results.md'

/** Short commit of the tree; a `+` says that something in it is not committed. */
export function commit(): string {
  try {
    const hash = git('rev-parse', '--short=10', 'HEAD')
    const changes = git('status', '--porcelain', '--untracked-files=no', '--', ':/', RESULTS)
    return changes === '' ? hash : `${hash}+`
  } catch {
    return 'no commit'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: new URL('..', import.meta.url),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  }).trim()
}

function installedVersion(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
