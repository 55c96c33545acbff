import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, run } from './command.ts'
import type { LockEntry } from './licences.ts'

/** What a bill of materials says of the release itself, so that two builds give the same bytes. */
export interface Subject {
  readonly integrity: string
  /** ISO time of the commit. */
  readonly time: string
}

const FORMATS = ['cyclonedx', 'spdx'] as const
export type SbomFormat = (typeof FORMATS)[number]

interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>
}

/**
 * Writes what npm reads for a bill of materials: the release's own package.json, and the lock file without the packages
 * of development. Left to leave those out itself, npm loses a package that both a dependency and one of them need.
 */
export function writeProductionLock(
  folder: string,
  manifest: Record<string, unknown>,
  lock: LockFile
): string {
  const { '': root = {}, ...packages } = lock.packages
  const { devDependencies: _, ...kept } = root as Record<string, unknown>
  const production = Object.entries(packages).filter(([, entry]) => entry.dev !== true)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...lock, packages: { '': kept, ...Object.fromEntries(production) } })
  )
  return folder
}

/** The bill of materials of a folder with a lock file, as npm writes it, bound to a tarball. */
export async function sbom(
  format: SbomFormat,
  folder: string,
  nodeFolder: string,
  subject: Subject
): Promise<string> {
  const words = ['sbom', '--sbom-format', format, '--package-lock-only']
  const text = await run('npm', words, { cwd: folder, env: cleanEnv(nodeFolder) })
  const bill = JSON.parse(text) as Record<string, any>
  return `${JSON.stringify(format === 'spdx' ? boundSpdx(bill, subject) : boundCycloneDx(bill, subject), null, 2)}\n`
}

/** Names and versions that a bill lists beside the release itself: `libp2p@3.3.11`. */
export function listed(format: SbomFormat, text: string): string[] {
  const bill = JSON.parse(text) as Record<string, any>
  const [parts, version] =
    format === 'spdx' ? [bill['packages'].slice(1), 'versionInfo'] : [bill['components'], 'version']
  return (parts as Record<string, string>[]).map(part => {
    const scope = part['group'] === undefined || part['group'] === '' ? '' : `${part['group']}/`
    return `${scope}${part['name']}@${part[version]}`
  })
}

function boundCycloneDx(bill: Record<string, any>, { integrity, time }: Subject): Record<string, any> {
  const hashes = [{ alg: 'SHA-512', content: hexOf(integrity) }]
  const { component, ...metadata } = bill['metadata']
  return {
    ...bill,
    serialNumber: `urn:uuid:${uuidOf(integrity)}`,
    metadata: { ...metadata, timestamp: time, component: { ...component, hashes } }
  }
}

function boundSpdx(bill: Record<string, any>, { integrity, time }: Subject): Record<string, any> {
  const [release, ...others] = bill['packages']
  const checksums = [{ algorithm: 'SHA512', checksumValue: hexOf(integrity) }]
  return {
    ...bill,
    documentNamespace: bill['documentNamespace'].replace(/[0-9a-f-]{36}$/, uuidOf(integrity)),
    creationInfo: { ...bill['creationInfo'], created: time },
    packages: [{ ...release, checksums }, ...others]
  }
}

const hexOf = (integrity: string): string =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')
}
