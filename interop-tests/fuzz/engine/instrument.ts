import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createInstrumenter } from 'istanbul-lib-instrument'
import { Edges } from './edges.ts'

const COUNTER = /cov_\w+\(\)(\.[sf]\[\d+\]|\.b\[\d+\]\[\d+\])\+\+/g
const TABLE = /^function (cov_\w+)\(\) \{\n[\s\S]*?\n\}\n\1\(\);\n/

/** TypeScript as JavaScript in which every branch, statement and function raises a counter of `Edges.shared()`. */
export function instrument(source: string, name: string): string {
  const counted = createInstrumenter({
    esModules: true,
    compact: false,
    produceSourceMap: false
  }).instrumentSync(stripTypeScriptTypes(source), name)
  const numbers = new Map<string, number>()
  const code = counted.replace(TABLE, '').replace(COUNTER, (_, counter: string) => {
    if (!numbers.has(counter)) numbers.set(counter, numbers.size)
    return `__ran[__first + ${numbers.get(counter)}]++`
  })
  if (/\bcov_\w+\(/.test(code)) throw new Error(`${name}: a counter of a form that is not known here`)
  const shared = `globalThis[Symbol.for('omnigate.fuzz.edges')]`
  return `const __ran = ${shared}.counts, __first = ${shared}.claim(${numbers.size});\n${code}`
}

/** From now on modules whose address `isWanted` are loaded with counters. */
export function instrumentImports(isWanted: (url: string) => boolean): void {
  Edges.shared()
  registerHooks({
    load: (url, context, next) => {
      if (!url.startsWith('file:') || !isWanted(url)) return next(url, context)
      const source = instrument(readFileSync(fileURLToPath(url), 'utf8'), url)
      return { format: 'module', source, shortCircuit: true }
    }
  })
}
