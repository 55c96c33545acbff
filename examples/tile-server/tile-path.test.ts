import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from 'omnigate/protocols'
import { tilePath } from './tile-path.ts'

test('a path names a tile and its type', () => {
  assert.deepEqual(tilePath('/12/654/1583.webp'), {
    names: ['12', '654', '1583.webp'],
    contentType: 'image/webp'
  })
  assert.equal(tilePath('/style@2x.json').contentType, 'application/json')
})

for (const path of [
  '/..',
  '/../x.png',
  '/1/../../x.png',
  '../x.png',
  '//etc/x.png',
  '/C:/x.png',
  'C:/x.png',
  '/1\\x.png',
  '/1/..'
])
  test(`${path} leaves the folder`, () => {
    assert.throws(() => tilePath(path), refused(403, 'outside_folder'))
  })

for (const path of [
  '',
  '/',
  '1/2.png',
  '/1/./2.png',
  '/1//2.png',
  '/1/2.png/',
  '/.hidden.png',
  '/1/2.png\0',
  '/%2e%2e/x.png',
  '/1/2',
  '/1/2.svg',
  '/1/2.constructor',
  '/é.png',
  '/a/b/c/d/e/f/g/h/1.png',
  `/${'a'.repeat(130)}.png`
])
  test(`${JSON.stringify(path).slice(0, 40)} is no path of a tile`, () => {
    assert.throws(() => tilePath(path), refused(400, 'bad_path'))
  })

const refused = (status: number, code: string) => (error: unknown) =>
  error instanceof OapError && error.status === status && error.code === code
