import type { ConfigProblem } from './config-error.ts'
import { readForm } from '../../federation/index.ts'
import { LEAF_FORMS } from './schema.ts'
import type { Leaf } from './schema.ts'
import { schemaProblems } from './type.ts'

const ADDRESS_PATHS = new Set(['node.listen', 'node.announce'])

/** What is wrong with one value, each with its path (`node.listen[1]`) and where the value came from. */
export function leafProblems(leaf: Leaf, value: unknown, origin: string): ConfigProblem[] {
  const form = LEAF_FORMS.get(leaf.path)
  if (form !== undefined) {
    const read = readForm((item, _, tell) => form(item, leaf.path, tell), value)
    return 'problems' in read ? read.problems.map(problem => ofForm(problem, origin)) : []
  }
  return schemaProblems(leaf.schema, value).map(({ path, message, isJudged = false }) => ({
    path: leaf.path + path,
    message: `${message} (${origin})`,
    isAddress: ADDRESS_PATHS.has(leaf.path) && isJudged
  }))
}

function ofForm(problem: string, origin: string): ConfigProblem {
  const end = problem.indexOf(': ')
  return { path: problem.slice(0, end), message: `${problem.slice(end + 2)} (${origin})` }
}
