import { readFileSync } from 'node:fs'

/** A sentence of a specification that binds, as it stands there, white space folded. */
export interface BindingSentence {
  readonly section: string
  readonly sentence: string
}

/** A test beside the code, for what a conversation with a node cannot show. */
export interface NamedTest {
  /** From the root of the repository. */
  readonly file: string
  /** As it is written in the file, `${...}` included. */
  readonly test: string
  readonly why: string
}

/** The texts whose binding sentences have rows; a row that names none is of the first. */
export const BINDING_SPECS = [
  'oap-1',
  'capabilities',
  'revocation',
  'audit',
  'mailbox',
  'federation-links',
  'federation-handshake',
  'federation-snapshots',
  'federation-directed',
  'federation-shares',
  'storage',
  'federation-witness',
  'federation-policy',
  'ams',
  'http'
] as const
export type BindingSpec = (typeof BINDING_SPECS)[number]

/** A row of requirements.json: a binding sentence and what shows that it is kept. */
export interface Requirement extends BindingSentence {
  readonly spec?: BindingSpec
  readonly id: string
  /** Cases of the conformance runner. */
  readonly cases: readonly string[]
  readonly shown_by?: readonly NamedTest[]
}

/** The requirements of each text in its order. */
export function readRequirements(): Requirement[] {
  const text = readFileSync(new URL('requirements.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { requirements: Requirement[] }).requirements
}

const FENCED = /^```.*?^```$/gms
/** Blocks end at an empty line, and before a heading, a table row or a list item. */
const BLOCK_END = /\n\s*\n|\n(?=#|\||- |\d+\. )/
const HEADING = /^#{2,3} (\d+(?:\.\d+)?)\.? /
const ITEM = /^(?:- |\d+\. )/
const SENTENCE_END = /(?<=[.!?])\s+(?=[A-Z0-9`*])/
const BINDING = /\bMUST\b/
const NOTATION = 'MUST, MUST NOT, SHOULD'

/**
 * Every sentence with MUST or MUST NOT but the one that says what these words mean. A sentence that ends with a
 * colon in front of a list stands once for each item, with the item behind it.
 */
export function bindingSentences(markdown: string): BindingSentence[] {
  const found: BindingSentence[] = []
  let section = ''
  let lead: string | undefined
  for (const block of markdown.replace(FENCED, '').split(BLOCK_END)) {
    const text = block.trim()
    const heading = HEADING.exec(text)
    if (heading) section = heading[1]!
    if (lead !== undefined && ITEM.test(text)) {
      if (found.at(-1)?.sentence === lead) found.pop()
      found.push({ section, sentence: `${lead} ${folded(text)}` })
    } else if (text !== '') {
      const binding = sentences(folded(text))
      found.push(...binding.map(sentence => ({ section, sentence })))
      lead = binding.at(-1)?.endsWith(':') ? binding.at(-1) : undefined
    }
  }
  return found
}

const folded = (block: string): string => block.replace(ITEM, '').replace(/\s+/g, ' ')

const sentences = (text: string): string[] =>
  text.split(SENTENCE_END).filter(sentence => BINDING.test(sentence) && !sentence.startsWith(NOTATION))
