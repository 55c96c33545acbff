import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers nothing but 404 and 405. */
    isRefusal?: boolean
  }
}

/**
 * What is said of a request that no route of an app takes: 405 with `Allow` where its path answers other methods, else 404. To
 * be made before the routes are added. What such a request costs grows with the number of paths, not with what it says.
 */
export function refusalOfOthers(app: FastifyInstance): (url: string) => Problem {
  const paths = new Map<string, { readonly is: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.isRefusal === true) return
    let path = paths.get(url)
    if (path === undefined) paths.set(url, (path = { is: matching(url), methods: new Set() }))
    for (const one of [method].flat()) path.methods.add(one)
  })
  return url => {
    const [asked = ''] = url.split(/[?#]/, 1)
    const methods = [...paths.values()].flatMap(({ is, methods }) => (is.test(asked) ? [...methods] : []))
    return methods.length === 0 ? NOTHING_HERE : otherMethod([...new Set(methods)])
  }
}

/** That a path is there, and takes these methods. */
export function otherMethod(methods: readonly string[]): Problem {
  const allow = methods.join(', ')
  return new Problem('method_not_allowed', `${allow} ${methods.length === 1 ? 'is' : 'are'} answered here`, {
    headers: { allow }
  })
}

const NOTHING_HERE = new Problem('not_found', 'nothing is here; what there is stands in /openapi.json')

const matching = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll(/:\w+/g, '[^/]+')}$`
  )
