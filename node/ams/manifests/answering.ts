import type { FastifyInstance } from 'fastify'
import type { Role } from '../access/roles.ts'
import type { AmsRoute } from '../routes/route.ts'

/** One method of a path that an app answers. */
export interface Answering {
  readonly method: string
  /** With `{name}` for what may stand there. */
  readonly path: string
  readonly role: Role
  /** The row of a table that it is, where it is one. */
  readonly row: AmsRoute | undefined
}

/**
 * What an app answers of all that is added to it from now on, by path; what only refuses is none of it. HEAD is left out:
 * whatever has GET has it.
 */
export function answering(app: FastifyInstance): () => readonly Answering[] {
  const found: Answering[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.isRefusal === true) return
    for (const one of [method].flat().filter(each => each !== 'HEAD'))
      found.push({
        method: one,
        path: config?.row?.path ?? plain(url),
        role: config?.role ?? 'none',
        row: config?.row
      })
  })
  return () => found.toSorted((one, other) => order(one.path, other.path) || order(one.method, other.method))
}

const plain = (url: string): string => url.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}')
const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
