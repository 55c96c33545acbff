import { dirname, resolve } from 'node:path'
import { TomlError, parse } from 'smol-toml'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { ENV_PREFIX, envName, readEnv } from './env.ts'
import { type Leaf, configLeaves, configSections } from './schema.ts'
import { suggestion } from './suggestion.ts'

const MAX_FILE_CHARS = 1024 * 1024

export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface Given {
  readonly value: unknown
  readonly origin: string
}

/** Values by path. */
export type Layer = ReadonlyMap<string, Given>

/** What the command line gives. */
export function flagLayer(flags: Readonly<Record<string, unknown>>, problems: ConfigProblem[]): Layer {
  const layer = new Map<string, Given>()
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue
    if (configLeaves.some(leaf => leaf.path === path)) layer.set(path, { value, origin: 'command line' })
    else problems.push({ path, message: 'unknown key on the command line' })
  }
  return layer
}

/** What the commands that call a node read; one shell may be set up for both. */
const OF_CLIENTS = new Set([`${ENV_PREFIX}CLIENT_KEY`])

/** What the environment gives. */
export function envLayer(
  env: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[]
): Layer {
  const layer = new Map<string, Given>()
  const leaves = new Map(configLeaves.map(leaf => [envName(leaf), leaf]))
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || OF_CLIENTS.has(name) || text === undefined) continue
    const leaf = leaves.get(name)
    if (leaf === undefined) {
      problems.push({
        path: name,
        message: `unknown environment variable${suggestion(name, leaves.keys()) || NAMES}`
      })
    } else {
      layer.set(leaf.path, { value: readEnv(leaf.schema, text), origin: `environment ${name}` })
    }
  }
  return layer
}

/** What the file gives. */
export function fileLayer(file: SourceFile | undefined, problems: ConfigProblem[]): Layer {
  const layer = new Map<string, Given>()
  if (file === undefined) return layer
  const origin = `file ${file.path}`
  for (const [section, table] of Object.entries(parseToml(file))) {
    const leaves = configSections.find(({ name }) => name === section)?.leaves
    if (leaves === undefined) problems.push(unknownSection(section, file.path))
    else if (!isTable(table)) {
      problems.push({ path: section, message: `must be a section [${section}] in ${file.path}` })
    } else {
      for (const [key, value] of Object.entries(table)) {
        const leaf = leaves.find(candidate => candidate.key === key)
        if (leaf !== undefined) layer.set(leaf.path, { value: fromFile(leaf, value, file.path), origin })
        else problems.push(unknownKey(section, key, file.path, leaves))
      }
    }
  }
  return layer
}

/** Paths in a file are seen from where the file lies. */
function fromFile({ path }: Leaf, value: unknown, file: string): unknown {
  if (path === 'federation.policy' && typeof value === 'string' && value !== '')
    return resolve(dirname(file), value)
  if (path !== 'federation.peers' || !Array.isArray(value)) return value
  return value.map((peer: unknown) => {
    if (!isTable(peer) || typeof peer['treaty'] !== 'string' || peer['treaty'] === '') return peer
    return { ...peer, treaty: resolve(dirname(file), peer['treaty']) }
  })
}

function unknownSection(section: string, file: string): ConfigProblem {
  const known = configSections.map(({ name }) => name)
  return { path: section, message: `unknown section in ${file}${suggestion(section, known) || oneOf(known)}` }
}

function unknownKey(section: string, key: string, file: string, leaves: readonly Leaf[]): ConfigProblem {
  const known = leaves.map(leaf => leaf.key)
  return {
    path: `${section}.${key}`,
    message: `unknown key in ${file}${suggestion(key, known) || oneOf(known)}`
  }
}

function parseToml({
  path,
  text
}: {
  readonly path: string
  readonly text: string
}): Record<string, unknown> {
  if (text.length > MAX_FILE_CHARS) throw new ConfigError([{ path, message: 'larger than 1 MiB' }])
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [, reason = 'not TOML'] = /^Invalid TOML document: (.*)/.exec(error.message) ?? []
    throw new ConfigError([{ path: `${path}:${error.line}:${error.column}`, message: reason }])
  }
}

const NAMES = '; one is named for its section and key, as OMNIGATE_HTTP__LISTEN is for http.listen'
const oneOf = (known: readonly string[]): string => `; known are ${known.join(', ')}`

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
