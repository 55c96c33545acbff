import type { LoadedConfig } from './load.ts'
import { configLeaves } from './schema.ts'

export interface ConfigRow {
  readonly path: string
  readonly value: unknown
  /** `default`, `file PATH`, `environment NAME` or `command line`. */
  readonly origin: string
}

/** Each effective value with its origin, in the order of the schema. */
export function explainConfig({ config, origins }: LoadedConfig): ConfigRow[] {
  const sections: Readonly<Record<string, Readonly<Record<string, unknown>>>> = config
  return configLeaves.map(({ section, key, path }) => ({
    path,
    value: sections[section]?.[key],
    origin: origins[path] ?? 'default'
  }))
}
