import { ConfigError, type ConfigProblem } from './config-error.ts'
import { crossProblems } from './cross-problems.ts'
import { type Given, type Layer, type SourceFile, envLayer, fileLayer, flagLayer } from './layers.ts'
import { leafProblems } from './leaf-problems.ts'
import { type Config, type Leaf, configLeaves } from './schema.ts'

export interface ConfigSources {
  /** The text of a TOML file, and its path for messages. */
  readonly file?: SourceFile
  /** Only names that begin with `OMNIGATE_` are looked at, and each of them must be known. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Values from the command line by path: `{ 'node.listen': ['/ip4/...'] }`; undefined counts as absent. */
  readonly flags?: Readonly<Record<string, unknown>>
}

export interface LoadedConfig {
  readonly config: Config
  /** Where each value came from, by path: `default`, `file PATH`, `environment NAME` or `command line`. */
  readonly origins: Readonly<Record<string, string>>
}

/**
 * The effective configuration: command line over environment over file over default. Pure, the result is frozen.
 * @throws ConfigError with every problem of every source at once.
 */
export function loadConfig({ file, env = {}, flags = {} }: ConfigSources = {}): LoadedConfig {
  const problems: ConfigProblem[] = []
  const layers = [flagLayer(flags, problems), envLayer(env, problems), fileLayer(file, problems)]
  const given = configLeaves.map(leaf => [leaf, firstGiven(leaf, layers)] as const)
  for (const [leaf, { value, origin }] of given) problems.push(...leafProblems(leaf, value, origin))
  if (problems.length > 0) throw new ConfigError(problems)

  const config = assemble(given)
  const contradictions = crossProblems(config)
  if (contradictions.length > 0) throw new ConfigError(contradictions)
  return {
    config,
    origins: Object.freeze(Object.fromEntries(given.map(([leaf, { origin }]) => [leaf.path, origin])))
  }
}

function firstGiven(leaf: Leaf, layers: readonly Layer[]): Given {
  for (const layer of layers) {
    const given = layer.get(leaf.path)
    if (given !== undefined) return given
  }
  return { value: leaf.schema.default, origin: 'default' }
}

function assemble(given: readonly (readonly [Leaf, Given])[]): Config {
  const config: Record<string, Record<string, unknown>> = {}
  for (const [{ section, key }, { value }] of given) {
    config[section] ??= {}
    config[section][key] = frozen(value)
  }
  for (const section of Object.values(config)) Object.freeze(section)
  // Each leaf has passed its schema, and every leaf of the schema is there.
  return Object.freeze(config) as Config
}

/** A copy of a value that nothing changes any more. */
function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen))
  if (typeof value !== 'object' || value === null) return value
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, frozen(inner)])))
}
