import { copyFileSync, existsSync, readFileSync } from 'node:fs'
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
 * Runs a client out of a project where some release is installed against a node that `command` starts.
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
  // Clients from before there were capabilities have none to show.
  const env = { ...cleanEnv(join(process.execPath, '..')), OMNIGATE_CAPABILITIES__OPEN_VERBS: 'echo:call' }
  const node = await startNode(command, ['--ephemeral'], { cwd: root, env })
  try {
    await run(process.execPath, ['compat-client.mjs', node.address], { cwd: project, env, timeoutMs: 60_000 })
  } finally {
    await node.stop()
  }
}
