import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { conformanceCases } from '../cli/conformance/index.ts'
import { BINDING_SPECS, bindingSentences, readRequirements } from './requirements.ts'
import type { BindingSentence, BindingSpec, NamedTest, Requirement } from './requirements.ts'

const read = (spec: BindingSpec): string => readFileSync(new URL(`${spec}.md`, import.meta.url), 'utf8')
const cases = new Set((await conformanceCases()).map(({ id }) => id))
const all = readRequirements()
const rowsOf = (spec: BindingSpec): Requirement[] => all.filter(row => (row.spec ?? 'oap-1') === spec)
const oap1 = read('oap-1')
const rows = rowsOf('oap-1')
/** Fewer rows than today's would mean that sentences are not seen. */
const LEAST_ROWS: Readonly<Record<BindingSpec, number>> = {
  'oap-1': 46,
  capabilities: 21,
  revocation: 12,
  audit: 10,
  mailbox: 14,
  'federation-links': 23,
  'federation-handshake': 9,
  'federation-snapshots': 8,
  storage: 10,
  'federation-witness': 5,
  'federation-directed': 9,
  'federation-shares': 8,
  'federation-policy': 8,
  ams: 32,
  http: 14
}

/** All that is wrong between the text, the rows and what the rows point to. */
function problems(text: string, requirements: readonly Requirement[]): string[] {
  return [...unmatched(text, requirements), ...repeatedIds(requirements), ...requirements.flatMap(unshown)]
}

const key = ({ section, sentence }: BindingSentence): string => `${section}: ${sentence}`

function unmatched(text: string, requirements: readonly Requirement[]): string[] {
  const standing = bindingSentences(text).map(key)
  const listed = requirements.map(key)
  const order = standing.length === listed.length && standing.some((sentence, n) => sentence !== listed[n])
  return [
    ...standing.filter(sentence => !listed.includes(sentence)).map(sentence => `no row for ${sentence}`),
    ...listed
      .filter(sentence => !standing.includes(sentence))
      .map(sentence => `not in the text: ${sentence}`),
    ...(order ? ['the rows are not in the order of the text'] : [])
  ]
}

const repeatedIds = (requirements: readonly Requirement[]): string[] =>
  requirements
    .map(({ id }) => id)
    .filter((id, n, ids) => ids.indexOf(id) !== n)
    .map(id => `${id}: twice`)

function unshown({ spec, id, section, cases: shownBy, shown_by = [] }: Requirement): string[] {
  const start = spec === undefined ? `${section}-` : `${spec}-${section}-`
  return [
    ...(id.startsWith(start) && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(id.slice(start.length))
      ? []
      : [`${id}: not an id of ${section}`]),
    ...(shownBy.length + shown_by.length === 0 ? [`${id}: nothing shows it`] : []),
    ...shownBy.filter(name => !cases.has(name)).map(name => `${id}: no case ${name}`),
    ...shown_by
      .filter(named => !isThere(named))
      .map(({ test: name, file }) => `${id}: no test "${name}" in ${file}`),
    ...shown_by.filter(({ why }) => why.trim() === '').map(({ file }) => `${id}: no reason for ${file}`)
  ]
}

function isThere({ file, test: name }: NamedTest): boolean {
  const path = new URL(`../${file}`, import.meta.url)
  if (!file.endsWith('.test.ts') || !existsSync(path)) return false
  const titles = readFileSync(path, 'utf8').matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)
  return Array.from(titles, ([, , title]) => title).includes(name)
}

for (const spec of BINDING_SPECS) {
  test(`every sentence of ${spec} with MUST has a row, and every row a sentence and what shows that it is kept`, () => {
    assert.deepEqual(problems(read(spec), rowsOf(spec)), [])
    assert.equal(problems(`${read(spec)}\nA node MUST sing.\n`, rowsOf(spec)).length, 1)
    assert.ok(rowsOf(spec).length >= LEAST_ROWS[spec], `${rowsOf(spec).length} rows`)
  })

  test(`no sentence of ${spec} binds by a MUST that the rows do not see`, () => {
    const inText = read(spec)
      .replace(/^MUST, MUST NOT, SHOULD.*$/m, '')
      .match(/\bMUST\b/g)!.length

    assert.equal(seen(rowsOf(spec)), inText)
  })
}

test('no id stands for two sentences, and every row is of a text that is looked at', () => {
  assert.deepEqual(repeatedIds(all), [])
  assert.equal(BINDING_SPECS.flatMap(rowsOf).length, all.length)
})

test('every specification that binds by a MUST is looked at', () => {
  const binding = readdirSync(new URL('.', import.meta.url))
    .filter(name => name.endsWith('.md'))
    .filter(name => bindingSentences(readFileSync(new URL(name, import.meta.url), 'utf8')).length > 0)

  assert.deepEqual(binding.sort(), BINDING_SPECS.map(spec => `${spec}.md`).sort())
})

/** Every MUST in the sentences of the rows; what stands before a list counts once. */
function seen(requirements: readonly Requirement[]): number {
  const leadOf = ({ sentence }: Requirement): string => sentence.slice(0, sentence.indexOf(': ') + 1)
  const leads = new Map(requirements.map(row => [leadOf(row), row]))
  const once = requirements.filter(row => leadOf(row) === '' || leads.get(leadOf(row)) === row)
  return once.flatMap(({ sentence }) => sentence.match(/\bMUST\b/g) ?? []).length
}

describe('the judgement fails', () => {
  const [first, ...rest] = rows as [Requirement, ...Requirement[]]
  const named = { file: 'specs/requirements.test.ts', test: 'no such test', why: 'why' }
  const wrong: readonly (readonly [
    what: string,
    text: string,
    requirements: Requirement[],
    problem: RegExp
  ])[] = [
    ['a sentence without a row', `${oap1}\nA node MUST sing.\n`, rows, /^no row for 17: A node MUST sing\.$/],
    ['an item of a list without a row', `${oap1}\nA node MUST sing:\n\n- low;\n`, rows, /MUST sing: low;$/],
    ['a cell without a row', `${oap1}\n| a | MUST sing |\n`, rows, /^no row for 17: \| a \| MUST sing \|$/],
    [
      'a sentence that changed',
      oap1.replace('The sixteenth MUST', 'The 16th MUST'),
      rows,
      /^not in the text: 5\.7/
    ],
    ['a sentence that moved', oap1.replace('### 5.7 Counted drops', ''), rows, /^not in the text: 5\.7/],
    ['a missing row', oap1, rest, /^no row for 2: /],
    ['rows out of order', oap1, [...rest, first], /order/],
    ['an id twice', oap1, [{ ...first, id: rest[0]!.id }, ...rest], /twice/],
    ['an id of another section', oap1, [{ ...first, id: '3-offer' }, ...rest], /not an id of 2/],
    [
      'a case that does not exist',
      oap1,
      [{ ...first, cases: ['no-such-case'] }, ...rest],
      /no case no-such-case/
    ],
    ['no case and no test', oap1, [{ ...first, cases: [], shown_by: [] }, ...rest], /nothing shows it/],
    [
      'a test that does not exist',
      oap1,
      [{ ...first, shown_by: [named] }, ...rest],
      /no test "no such test"/
    ],
    [
      'a test in no file',
      oap1,
      [{ ...first, shown_by: [{ ...named, file: 'specs/x.test.ts' }] }, ...rest],
      /no test/
    ],
    ['no reason', oap1, [{ ...first, shown_by: [{ ...named, why: ' ' }] }, ...rest], /no reason/]
  ]
  for (const [what, text, requirements, problem] of wrong) {
    test(`for ${what}`, () => assert.match(problems(text, requirements).join('\n'), new RegExp(problem, 'm')))
  }
})
