import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFileSync } from 'node:fs'
import { MAX_PACKED_BYTES, contentProblems } from './contents.ts'
import { isAllowed, productionPackages } from './licences.ts'

const MANIFEST = {
  exports: { '.': { types: './node/index.d.ts', default: './node/index.js' } },
  bin: { omnigate: 'bin/omnigate.mjs' }
}
const WHOLE = [
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'specs/oap-1.md',
  'registry/app_proto_ids.json',
  'node/index.js',
  'node/index.d.ts',
  'bin/omnigate.mjs'
]

test('a whole release has nothing wrong with it', () => {
  assert.deepEqual(problems(WHOLE), [])
})

for (const path of WHOLE) {
  test(`a release without ${path} is refused`, () => {
    assert.match(problems(WHOLE.filter(each => each !== path)).join(), new RegExp(`^${path} is missing`))
  })
}

for (const path of [
  'node/index.ts',
  'node/a.test.js',
  '.npmrc',
  'bench/run.js',
  'node/keys/hub.key',
  'cli/node_modules/a.js',
  'node/a.js.map',
  'bin/setup.mjs'
]) {
  test(`a release with ${path} is refused`, () => {
    assert.deepEqual(problems([...WHOLE, path]), [`${path} has no place in a release`])
  })
}

test('a release that is too large, cannot be run or runs scripts is refused', () => {
  const files = WHOLE.map(path => ({ path, size: 1, mode: 0o644 }))

  assert.deepEqual(
    contentProblems({ files, size: MAX_PACKED_BYTES + 1, unpackedSize: 0 }, { ...MANIFEST, scripts: {} }),
    [
      'bin/omnigate.mjs is not executable',
      'package.json has scripts, which would run on install',
      `packed: ${MAX_PACKED_BYTES + 1} bytes, at most ${MAX_PACKED_BYTES}`
    ]
  )
})

for (const [expression, isFine] of [
  ['MIT', true],
  ['Apache-2.0 OR MIT', true],
  ['(GPL-3.0-only OR MIT)', true],
  ['MIT AND (GPL-2.0-only OR ISC)', true],
  ['MIT AND GPL-3.0-only', false],
  ['AGPL-3.0-or-later', false],
  ['SEE LICENSE IN x', false],
  ['UNLICENSED', false],
  ['(MIT', false],
  ['', false]
] as const) {
  test(`the licence ${expression || 'that is not named'} is ${isFine ? 'allowed' : 'refused'}`, () => {
    assert.equal(isAllowed(expression), isFine)
  })
}

test('every package that a release brings along has an allowed licence', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'))
  const packages = productionPackages(lock.packages)

  assert.ok(packages.length > 100)
  assert.deepEqual(
    packages.filter(({ licence }) => !isAllowed(licence)),
    []
  )
})

function problems(paths: readonly string[]): string[] {
  const files = paths.map(path => ({ path, size: 1, mode: path.startsWith('bin/') ? 0o755 : 0o644 }))
  return contentProblems({ files, size: 1, unpackedSize: 1 }, MANIFEST)
}
