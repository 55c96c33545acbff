import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultConfigText } from './default-text.ts'
import { loadConfig } from './load.ts'
import { withSettings } from './with-settings.ts'

const SET = { 'gateway.write_mode': 'token', 'security.write_requires_auth': true } as const

const written = (text: string) => withSettings({ path: 'f.toml', text }, SET)

test('takes the places of the commented defaults of a first file, and changes no other line', () => {
  const before = defaultConfigText({ name: 'n' })

  const after = written(before)

  const changed = after.split('\n').filter((line, n) => line !== before.split('\n')[n])
  assert.deepEqual(changed, ['write_mode = "token"', 'write_requires_auth = true'])
})

test('takes the place of a value that is set, and keeps comments and what stands in other sections', () => {
  const text = '# mine\n[gateway] # edge\n# open\nwrite_mode = "open" # for now\n\n[node]\nname = "a"\n'

  assert.equal(
    written(text),
    '# mine\n[gateway] # edge\n# open\nwrite_mode = "token"\n\n[node]\nname = "a"\n\n[security]\nwrite_requires_auth = true\n'
  )
})

test('makes what is missing, also of an empty file, and changes nothing the second time', () => {
  const once = written('')

  assert.equal(once, '\n[gateway]\nwrite_mode = "token"\n\n[security]\nwrite_requires_auth = true\n')
  assert.equal(written(once), once)
})

for (const [what, text] of [
  ['a dotted key', 'gateway.write_mode = "open"\n'],
  ['a table in a line', 'gateway = { write_mode = "open" }\n'],
  ['a quoted key', '[gateway]\n"write_mode" = "open"\n'],
  ['a head within a text', '[log]\nfile = """\n[gateway]\n"""\n'],
  ['a value of two lines', '[gateway]\nwrite_mode = """\nopen"""\n']
] as const) {
  test(`refuses a file that sets it by ${what}, and says what to write there`, () => {
    assert.throws(() => written(text), {
      exitCode: 78,
      message:
        /gateway\.write_mode: cannot be set in f\.toml by this command; write it there yourself: "token"/
    })
  })
}

test('refuses a file that is wrong already, in the words of the configuration', () => {
  assert.throws(() => written('[gateway]\nwrite_mod = "open"\n'), { message: /unknown key in f\.toml/ })
  assert.throws(() => written('[gateway\n'), { message: /^f\.toml:1:/ })
})

test('what it writes is what loads', () => {
  const { config } = loadConfig({
    file: { path: 'f.toml', text: written('[gateway]\r\nprivate = false\r\n') }
  })

  assert.deepEqual([config.gateway.write_mode, config.security.write_requires_auth], ['token', true])
})
