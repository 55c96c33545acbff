import { Value } from 'typebox/value'
import type { ConfigProblem } from './config-error.ts'
import { readForm } from '../../federation/index.ts'
import { LEAF_FORMS } from './schema.ts'
import type { Leaf } from './schema.ts'

type SchemaError = ReturnType<typeof Value.Errors>[number]

const ADDRESS_PATHS = new Set(['node.listen', 'node.announce'])

const NOUNS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  string: 'a text in quotes',
  boolean: 'true or false',
  array: 'a list in brackets'
}

/** What is wrong with one value, each with its path (`node.listen[1]`) and where the value came from. */
export function leafProblems(leaf: Leaf, value: unknown, origin: string): ConfigProblem[] {
  const form = LEAF_FORMS.get(leaf.path)
  if (form !== undefined) {
    const read = readForm((item, _, tell) => form(item, leaf.path, tell), value)
    return 'problems' in read ? read.problems.map(problem => ofForm(problem, origin)) : []
  }
  const seen = new Set<string>()
  return Value.Errors(leaf.schema, value).flatMap(error => {
    const path = leaf.path + error.instancePath.replaceAll(/\/(\d+)/g, '[$1]')
    if (seen.has(path)) return []
    seen.add(path)
    const message = `${explain(error)} (${origin})`
    const isAddress = ADDRESS_PATHS.has(leaf.path) && error.keyword === '~refine'
    return [{ path, message, isAddress }]
  })
}

function ofForm(problem: string, origin: string): ConfigProblem {
  const end = problem.indexOf(': ')
  return { path: problem.slice(0, end), message: `${problem.slice(end + 2)} (${origin})` }
}

function explain(error: SchemaError): string {
  switch (error.keyword) {
    case 'type':
      return `must be ${NOUNS[String(error.params.type)] ?? String(error.params.type)}`
    case 'minimum':
      return `must be at least ${error.params.limit}`
    case 'maximum':
      return `must be at most ${error.params.limit}`
    case 'enum':
      return `must be one of ${error.params.allowedValues.join(', ')}`
    case 'minItems':
      return `must have at least ${error.params.limit}`
    case 'maxItems':
      return `must have at most ${error.params.limit}`
    case 'uniqueItems':
      return 'has one of its items twice'
    default:
      return error.message
  }
}
