import type { FastifyInstance } from 'fastify'
import type { RouteRow } from '../../http/index.ts'
import type { Role } from '../access/roles.ts'

/** One method of a path that an app answers. */
export interface Answering {
  readonly method: string
  /** With `{name}` for what may stand there. */
  readonly path: string
  readonly role: Role
  /** What is said of it, where something is. */
  readonly row: RouteRow | undefined
}

/**
 * What an app answers of all that is added to it from now on, by path; what only refuses is none of it. What is said of
 * routes stands in their own rows, or in those given. HEAD is left out: whatever has GET has it.
 */
export function answering(app: FastifyInstance, rows: readonly RouteRow[] = []): () => readonly Answering[] {
  const found: Answering[] = []
  const said = new Map(rows.map(row => [`${row.method} ${bare(row.path)}`, row]))
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.isRefusal === true) return
    for (const one of [method].flat().filter(each => each !== 'HEAD')) {
      const row = config?.row ?? said.get(`${one} ${bare(url)}`)
      found.push({
        method: one,
        path: row?.path ?? plain(url),
        role: row?.role ?? config?.role ?? 'none',
        row
      })
    }
  })
  return () => found.toSorted((one, other) => order(one.path, other.path) || order(one.method, other.method))
}

/** A path without the names of what may stand in it. */
const bare = (path: string): string => path.replaceAll(/\{\w+\}|:\w+/g, '*')
const plain = (url: string): string => url.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}')
const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
