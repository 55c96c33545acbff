import assert from 'node:assert/strict'
import test from 'node:test'
import { baseOf, isHttp } from './http-address.ts'

test('an address of HTTP stands before each path, with its own and without a slash at its end', () => {
  assert.equal(baseOf('http://127.0.0.1:4803'), 'http://127.0.0.1:4803')
  assert.equal(baseOf('HTTPS://Hub.Example.org/hub/'), 'https://hub.example.org/hub')
  assert.deepEqual(['https://x', '/ip4/1.2.3.4/tcp/1', 'ftp://x', 'http://['].map(isHttp), [
    true,
    false,
    false,
    true
  ])
})

for (const address of ['http://[', 'https://', 'http://x?a=1', 'http://x#a', `http://x/${'a'.repeat(1024)}`])
  test(`refuses ${address.slice(0, 20)}`, () => {
    assert.throws(() => baseOf(address), { name: 'ConnectError', code: 'bad_address' })
  })

test('a secret in an address is refused, and not repeated', () => {
  assert.throws(
    () => baseOf('https://ann:hunter2@hub.example.org'),
    (error: Error) => /cap or token/.test(error.message) && !/hunter2|ann/.test(error.message)
  )
})
