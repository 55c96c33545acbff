import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reachedTypes } from './reached-types.mjs'

test('types are followed through every form of import, in circles, and no further', () => {
  const files: Record<string, string> = {
    'node/index.d.ts': `export type { A } from '../federation/a.js';\nimport { Socket } from 'node:net';`,
    'federation/a.d.ts': `import "./side.js";\nexport declare const b: import('./b.js').B;`,
    'federation/side.d.ts': '',
    'federation/b.d.ts': `export type { A } from "./a.js";`,
    'cli/main.d.ts': `export type { A } from '../federation/a.js';`
  }

  const reached = reachedTypes(['node/index.d.ts'], path => files[path]!)

  assert.deepEqual(
    [...reached].sort(),
    Object.keys(files)
      .filter(path => path !== 'cli/main.d.ts')
      .sort()
  )
})

test('a declaration that leads to a file that is not there is an error', () => {
  const read = (path: string): string => {
    if (path === 'a.d.ts') return `export * from './gone.js'`
    throw new Error(`${path} is not there`)
  }

  assert.throws(() => reachedTypes(['a.d.ts'], read), /gone\.d\.ts is not there/)
})
