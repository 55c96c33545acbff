import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compareExports, versionProblem } from './change.ts'
import { exportsOfCheckout } from './emitted.ts'
import { releasedReport, releasedVersions } from './released.ts'
import { REACHED, collectExports, parseReport, printReport } from './report.ts'
import type { Exports } from './report.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
const present = exportsOfCheckout(root)

test('docs/api.md is what the code exports; npm run api -- --write records a change', () => {
  const recorded = readFileSync(`${root}docs/api.md`, 'utf8')

  assert.deepEqual(compareExports(parseReport(recorded).exports, present).lines, [])
  assert.equal(recorded, printReport(version, present))
})

test('what changed since the last release is what its version allows', () => {
  const last = releasedVersions(root).at(-1) ?? version
  const before = last === version ? present : parseReport(releasedReport(root, last)).exports

  assert.equal(versionProblem(last, version, compareExports(before, present)), undefined)
})

test('the report holds each path that the package exports, with functions, classes and types', () => {
  assert.deepEqual([...present.keys()], ['omnigate', 'omnigate/protocols', 'omnigate/sdk', REACHED])
  assert.match(present.get('omnigate')?.get('createNode') ?? '', /^function createNode\(config: Config, /)
  assert.match(present.get('omnigate/protocols')?.get('FrameDecoder') ?? '', /^class FrameDecoder /)
  assert.match(present.get('omnigate/sdk')?.get('NodeConnection') ?? '', /^interface NodeConnection /)
})

test('a printed report is read back as it was', () => {
  const { version: read, exports } = parseReport(printReport('1.2.3', present))

  assert.equal(read, '1.2.3')
  assert.deepEqual(compareExports(present, exports), { kind: 'none', lines: [] })
})

const FILES: Record<string, string> = {
  'index.d.ts': `export { connect } from './connect.ts';\nexport type * from './types.ts';\nimport { b } from 'elsewhere';\n`,
  'connect.d.ts': `import type { Deep as D } from './deep.ts';\n/** Says // what */\nexport declare function connect(at: D, hidden: Hidden): import("./deep.ts").Other;\ninterface Hidden {\n    #private;\n    /** How. */\n    readonly url: "http://x/*"; \n}\nexport {};\n`,
  'types.d.ts': 'export type A = {\n    readonly connect: number;\n} | string;\n',
  'deep.d.ts':
    'export interface Deep {\n    a: 1;\n}\nexport interface Other {\n}\nexport interface Unused {\n}\n'
}

test('exports are found through re-exports, and what they mention is reported although nothing exports it', () => {
  const found = collectExports({ pkg: 'index.d.ts' }, path => FILES[path] ?? '')

  assert.deepEqual([...found.get('pkg')!.keys()], ['A', 'connect'])
  assert.deepEqual([...found.get(REACHED)!.keys()], ['connect#Hidden', 'deep#Deep', 'deep#Other'])
  assert.equal(
    found.get(REACHED)!.get('connect#Hidden'),
    'interface Hidden {\n    readonly url: "http://x/*"; \n}'
  )
})

test('a kind of statement that the report does not know is an error, not a gap', () => {
  assert.throws(() => collectExports({ pkg: 'a.d.ts' }, () => 'export default x;\n'), /does not know/)
  assert.throws(
    () => collectExports({ pkg: 'a.d.ts' }, () => `export { a as b } from './a.ts';\n`),
    /another name/
  )
})

const BEFORE = 'interface A {\n    readonly a: number;\n}'
const CHANGES: readonly (readonly [string, Record<string, string>, 'none' | 'addition' | 'break'])[] = [
  ['nothing', { A: BEFORE }, 'none'],
  ['a new export', { A: BEFORE, B: 'type B = 1;' }, 'addition'],
  [
    'an optional member',
    { A: 'interface A {\n    readonly a: number;\n    readonly b?: string;\n}' },
    'addition'
  ],
  ['a required member', { A: 'interface A {\n    readonly a: number;\n    readonly b: string;\n}' }, 'break'],
  ['another type of a member', { A: 'interface A {\n    readonly a: string;\n}' }, 'break'],
  ['an export that is gone', {}, 'break']
]

for (const [what, after, kind] of CHANGES) {
  test(`${what} counts as ${kind}`, () => {
    assert.equal(compareExports(exportsOf({ A: BEFORE }), exportsOf(after)).kind, kind)
  })
}

const STEPS: readonly (readonly [string, string, 'addition' | 'break', boolean])[] = [
  ['0.1.0', '0.1.1', 'break', false],
  ['0.1.0', '0.2.0', 'break', true],
  ['0.1.0', '0.1.0', 'addition', false],
  ['0.1.0', '0.1.1', 'addition', true],
  ['1.2.0', '1.3.0', 'break', false],
  ['1.2.0', '2.0.0', 'break', true],
  ['1.2.0', '1.2.1', 'addition', false],
  ['1.2.0', '1.3.0', 'addition', true],
  ['0.2.0', '0.1.9', 'addition', false]
]

for (const [from, to, kind, isAllowed] of STEPS) {
  test(`from ${from} to ${to} with a change of the kind ${kind} is ${isAllowed ? 'allowed' : 'refused'}`, () => {
    assert.equal(versionProblem(from, to, { kind, lines: ['changed x'] }) === undefined, isAllowed)
  })
}

function exportsOf(declarations: Record<string, string>): Exports {
  return new Map([['pkg', new Map(Object.entries(declarations))]])
}
