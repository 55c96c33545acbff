import { filesOf } from '../release-manifest.mjs'
import type { Tarball } from './tarball.ts'

/**
 * A release grows on purpose only: raise these in the commit that needs it. They leave some 5 % to what it is with
 * storage, federation and all that a hub serves over HTTP, with their specifications.
 */
export const MAX_PACKED_BYTES = 1_300_000
export const MAX_UNPACKED_BYTES = 4_800_000

const REQUIRED = [
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'specs/oap-1.md',
  'registry/app_proto_ids.json'
]

// What may be in it; anything else is a mistake until a line here says otherwise.
const ALLOWED: readonly RegExp[] = [
  /^(package\.json|LICENSE|[A-Z]+\.md)$/,
  /^bin\/(omnigate|runtime)\.mjs$/,
  /^(protocols|transport|dht|federation|node|sdk|cli|specs|registry)\/[\w./-]+\.(js|d\.ts)$/,
  /^(specs|registry)\/[\w./-]+\.(md|json)$/,
  /^configs\/[\w./-]+\.(toml|json|ya?ml|md|service)$/
]
const REFUSED = /\.(test|suite|fixture)\.|(^|\/)(\.|node_modules\/|test\/)|\.(key|pem|env|log|map)$/

export interface Manifest {
  /** Paths, or conditions that lead to some. */
  readonly exports: Readonly<Record<string, unknown>>
  readonly bin: Readonly<Record<string, string>>
  readonly scripts?: unknown
}

/** What is wrong with the files of a release, one line each. */
export function contentProblems(
  { files, size, unpackedSize }: Omit<Tarball, 'path' | 'version' | 'integrity'>,
  manifest: Manifest
): string[] {
  const paths = new Set(files.map(({ path }) => path))
  const targets = [...filesOf(manifest.exports), ...filesOf(manifest.bin)].map(target =>
    target.replace(/^\.\//, '')
  )
  return [
    ...[...REQUIRED, ...targets].filter(path => !paths.has(path)).map(path => `${path} is missing`),
    ...[...paths].filter(path => !isAllowed(path)).map(path => `${path} has no place in a release`),
    ...files
      .filter(({ path, mode }) => isProgram(path, manifest) && (mode & 0o111) === 0)
      .map(({ path }) => `${path} is not executable`),
    ...(manifest.scripts === undefined ? [] : ['package.json has scripts, which would run on install']),
    ...tooLarge('packed', size, MAX_PACKED_BYTES),
    ...tooLarge('unpacked', unpackedSize, MAX_UNPACKED_BYTES)
  ]
}

const isAllowed = (path: string): boolean =>
  !REFUSED.test(path) && ALLOWED.some(pattern => pattern.test(path))

const isProgram = (path: string, { bin }: Manifest): boolean =>
  Object.values(bin).some(target => target.replace(/^\.\//, '') === path)

const tooLarge = (what: string, bytes: number, most: number): string[] =>
  bytes > most ? [`${what}: ${bytes} bytes, at most ${most}`] : []
