import { readFileSync } from 'node:fs'

interface NamedRow {
  readonly id: string
  readonly name: string
  readonly range: string
}

export const REGISTRY_FOLDER = new URL('../registry/', import.meta.url)

let rows: ReadonlyMap<number, NamedRow> | undefined

/** The row of an app_proto_id in the registry that comes with this program. */
export function registryRow(app: number): NamedRow | undefined {
  rows ??= readRows()
  return rows.get(app)
}

function readRows(): ReadonlyMap<number, NamedRow> {
  const text = readFileSync(new URL('app_proto_ids.json', REGISTRY_FOLDER), 'utf8')
  const registry = JSON.parse(text) as { rows: readonly NamedRow[] }
  return new Map(registry.rows.map(row => [Number(row.id), row]))
}

/** The app_proto_id of a name of the registry. */
export function appNamed(name: string): number | undefined {
  rows ??= readRows()
  for (const [id, row] of rows) if (row.name === name) return id
  return undefined
}

export const appHex = (app: number): string => `0x${app.toString(16).padStart(4, '0')}`

/** `0x0001(echo)`, or the number alone when the registry has no name for it. */
export function appText(app: number): string {
  const name = registryRow(app)?.name
  return name === undefined ? appHex(app) : `${appHex(app)}(${name})`
}
