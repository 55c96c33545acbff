import { copyFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { releasedVersions } from '../api/released.ts'
import { cleanEnv, run } from './command.ts'
import { startNode } from './running-node.ts'

/** What `npm run release:record` keeps of a release in `releases/VERSION/release.json`. */
export interface ReleaseRecord {
  readonly version: string
  /** sha512 of the tarball as npm writes it; a tarball with another is not that release. */
  readonly integrity: string
}

export interface PreviousRelease extends ReleaseRecord {
  /** The client that was kept with it. */
  readonly client: string
}

/** The newest recorded release other than `version`; undefined before the first. */
export function previousRelease(root: string, version: string): PreviousRelease | undefined {
  const previous = releasedVersions(root).findLast(each => each !== version)
  if (previous === undefined) return undefined
  const folder = join(root, 'releases', previous)
  const record = JSON.parse(readFileSync(join(folder, 'release.json'), 'utf8')) as ReleaseRecord
  return { ...record, client: join(folder, 'compat-client.mjs') }
}

/** Fetches the tarball of a recorded release from the npm registry, and refuses one with other bytes. */
export async function fetchRelease({ version, integrity }: ReleaseRecord, into: string): Promise<string> {
  const answer = await run('npm', ['pack', `omnigate@${version}`, '--json', '--pack-destination', into], {
    cwd: into
  })
  const [packed] = JSON.parse(answer) as [{ filename: string; integrity: string }]
  if (packed.integrity !== integrity) {
    throw new Error(
      `omnigate@${version} has the integrity ${packed.integrity}, recorded is ${integrity}: it is not what we released`
    )
  }
  return join(into, packed.filename)
}

/**
 * Runs a client out of a project where some release is installed against a node that `command` starts, on a data folder
 * below the project. The client gets the token and the key of that folder's first client.
 * @throws when the node does not start, the client fails in any call, or the node does not stop.
 */
export async function callWith(
  client: string,
  project: string,
  command: readonly string[],
  root: string
): Promise<void> {
  if (!existsSync(client)) throw new Error(`${client} is missing: a release keeps its client`)
  copyFileSync(client, join(project, 'compat-client.mjs'))
  const env = { ...cleanEnv(join(process.execPath, '..')), OMNIGATE_CAPABILITIES__OPEN_VERBS: 'echo:call' }
  const data = join(mkdtempSync(join(project, 'hub-')), 'data')
  const node = await startNode(command, ['--data', data, '--init'], { cwd: root, env })
  try {
    const own = { ...env, ...firstClient(data) }
    await run(process.execPath, ['compat-client.mjs', node.address], {
      cwd: project,
      env: own,
      timeoutMs: 60_000
    })
  } finally {
    await node.stop()
  }
}

/** What a client reads from its environment; a client that needs the token fails where there is none. */
function firstClient(data: string): NodeJS.ProcessEnv {
  const file = (name: string): string => join(data, 'client', name)
  if (!existsSync(file('token'))) return {}
  return { OMNIGATE_CLIENT_KEY: file('key'), RON_CAP: readFileSync(file('token'), 'utf8').trim() }
}
