import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { MAX_JSON_BYTES } from '../../protocols/index.ts'
import { ConfigError } from '../config/index.ts'
import type { Config } from '../config/index.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import { SetupError, systemError } from '../setup-error.ts'
import type { ConfiguredHub } from './allowlist.ts'
import { treatyValue } from './treaty-text.ts'
import { FIRST_TREATY, readTreatyDocument } from './treaty.ts'

/**
 * The hubs of `federation.peers`, with their treaties read. A treaty that has ended is no mistake: a node must start
 * again the day after.
 * @throws ConfigError with all that is wrong, by path: `federation.peers[2].treaty.rows[0].tenant`.
 */
export async function configuredHubs(
  { federation: { peers } }: Config,
  self?: string
): Promise<ConfiguredHub[]> {
  const problems: ConfigProblem[] = []
  const hubs: ConfiguredHub[] = []
  for (const [n, { hub, addresses = [], treaty, note = '' }] of peers.entries()) {
    const path = `federation.peers[${n}]`
    if (hub === self) problems.push({ path: `${path}.hub`, message: 'is this hub itself' })
    const read = await readConfigured(treaty)
    if ('value' in read) hubs.push({ hub, addresses, treaty: read.value, note })
    else problems.push(...read.problems.map(problem => ofTreaty(path, treaty, problem)))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return hubs
}

async function readConfigured(
  treaty: object | string | undefined
): Promise<ReturnType<typeof readTreatyDocument>> {
  if (treaty === undefined) return { value: FIRST_TREATY }
  if (typeof treaty === 'object') return readTreatyDocument(treaty)
  let text: string
  try {
    text = await textOf(treaty)
  } catch (error) {
    if (error instanceof SetupError) return { problems: [error.message] }
    throw error
  }
  const read = treatyValue(text)
  return 'value' in read ? readTreatyDocument(read.value) : { problems: [read.problem] }
}

function ofTreaty(path: string, treaty: unknown, problem: string): ConfigProblem {
  const at = typeof treaty === 'string' && !problem.startsWith(treaty) ? `${treaty}: ` : ''
  const [, member, rest] = /^([a-z][\w.[\]]*): (.*)$/s.exec(problem) ?? []
  if (at === '' && member !== undefined) return { path: `${path}.treaty.${member}`, message: rest! }
  return { path: `${path}.treaty`, message: `${at}${problem}` }
}

/** @throws SetupError that names the file and the way out. */
async function textOf(path: string): Promise<string> {
  try {
    // Opening a pipe would otherwise wait for its writer for ever.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const bytes = Buffer.alloc(MAX_JSON_BYTES + 1)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    return bytes.toString('utf8', 0, bytesRead)
  } catch (error) {
    throw systemError(path, error)
  }
}
