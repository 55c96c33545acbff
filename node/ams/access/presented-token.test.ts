import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_TOKEN_CHARACTERS, presentedToken } from './presented-token.ts'

const TOKEN = 'a-token-of-somebody'

const SHOWN: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['nothing', ['Accept', '*/*'], undefined],
  ['Authorization: Bearer', ['Authorization', `Bearer ${TOKEN}`], TOKEN],
  ['bearer in other letters', ['AUTHORIZATION', `bEARER  ${TOKEN}`], TOKEN],
  ['x-ams-token', ['X-Ams-Token', TOKEN], TOKEN],
  ['the same in both', ['authorization', `Bearer ${TOKEN}`, 'x-ams-token', TOKEN], TOKEN],
  ['a cookie', ['Cookie', `token=${TOKEN}`], undefined],
  ['Proxy-Authorization', ['Proxy-Authorization', `Bearer ${TOKEN}`], undefined],
  ['a header whose name begins alike', ['x-ams-tokens', TOKEN], undefined]
]

for (const [what, rawHeaders, token] of SHOWN) {
  test(`finds ${token ?? 'no token'} in ${what}`, () => {
    assert.deepEqual(presentedToken(rawHeaders), { token })
  })
}

const SMUGGLED: readonly (readonly [string, readonly string[]])[] = [
  ['different ones in both headers', ['authorization', `Bearer ${TOKEN}`, 'x-ams-token', `${TOKEN}2`]],
  ['Authorization twice', ['authorization', `Bearer ${TOKEN}`, 'Authorization', 'Bearer another']],
  ['Authorization twice, the same', ['authorization', `Bearer ${TOKEN}`, 'Authorization', `Bearer ${TOKEN}`]],
  ['x-ams-token twice', ['x-ams-token', TOKEN, 'X-AMS-Token', TOKEN]],
  ['an empty x-ams-token beside a good one', ['authorization', `Bearer ${TOKEN}`, 'x-ams-token', '']],
  ['two in one header', ['authorization', `Bearer ${TOKEN}, Bearer another`]],
  ['two joined as Node joins lines', ['x-ams-token', `${TOKEN}, another`]],
  ['another scheme', ['authorization', 'Basic dXNlcjpwYXNz']],
  ['no scheme', ['authorization', TOKEN]],
  ['Bearer alone', ['authorization', 'Bearer']],
  ['Bearer and spaces', ['authorization', 'Bearer   ']],
  ['letters beyond ASCII', ['x-ams-token', `${TOKEN}é`]],
  ['a tab', ['authorization', `Bearer\t${TOKEN}`]],
  ['one that is too long', ['authorization', `Bearer ${'a'.repeat(MAX_TOKEN_CHARACTERS + 1)}`]]
]

for (const [what, rawHeaders] of SMUGGLED) {
  test(`takes no token from ${what}, and says so without any of it`, () => {
    const presented = presentedToken(rawHeaders)

    assert.ok('problem' in presented)
    assert.doesNotMatch(presented.problem, /somebody|another\b|dXNl|aaaa/)
  })
}

test('whatever the headers are, one token of visible characters comes out, or none', () => {
  const name = fc.constantFrom('authorization', 'Authorization', 'x-ams-token', 'X-AMS-TOKEN', 'cookie')
  const value = fc.oneof(
    fc.string(),
    fc.string().map(text => `Bearer ${text}`),
    fc.constantFrom(TOKEN, `Bearer ${TOKEN}`)
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), lines => {
      const presented = presentedToken(lines.flat())
      const shown = lines.filter(([each]) => each !== 'cookie')
      if ('problem' in presented) return
      if (presented.token === undefined) assert.equal(shown.length, 0)
      else {
        assert.match(presented.token, /^[\x21-\x7e]+$/)
        assert.ok(shown.every(([, text]) => text.endsWith(presented.token)))
        assert.ok(shown.length <= 2)
      }
    })
  )
})
