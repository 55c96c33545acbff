import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import { createNode, loadConfig } from 'omnigate'
import type { OmnigateNode } from 'omnigate'
import { goIsMissing } from './go-build.ts'
import { buildGoPeer, goCalls } from './go-peer.ts'

const LOCAL = { actor: 'local' }

describe('the Go peer as an application with a capability', { skip: goIsMissing() ?? false }, () => {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'capabilities.takesBearer': true
    }
  })
  const node: OmnigateNode = createNode(config)

  before(async () => {
    buildGoPeer()
    await node.start()
  })
  after(() => node.stop())

  const mint = async (verb = 'echo:call') => {
    const minted = await node.capabilities().mint({ verb, tenant: 'default', bearer: true }, LOCAL)
    return { ...minted, text: Buffer.from(minted.token).toString('base64url') }
  }
  const calls = (token: string, ...options: string[]) =>
    goCalls(node.status().addresses[0]!, { token, options })

  test('echoes under a token that its own library narrowed', async () => {
    const { text } = await mint('echo:call,other:verb')

    assert.deepEqual(await calls(text, '--verb', 'echo:call', '--ttl', '1m'), { status: 0 })
  })

  test('is told that a capability is missing', async () => {
    assert.deepEqual(await calls(''), { status: 401, code: 'cap_missing' })
  })

  test('is told that the token expired, once it let it end', async () => {
    const { text } = await mint()

    const verdict = await calls(text, '--ttl', '-2m')

    assert.deepEqual(verdict, { status: 401, code: 'cap_expired', reason: 'expires' })
  })

  test('is told that the token was revoked, in copies that it narrows too', async () => {
    const { text, capId } = await mint()
    assert.deepEqual(await calls(text, '--ttl', '1m'), { status: 0 })

    await node.capabilities().revoke({ cap_id: capId }, 'lost', LOCAL)

    const { status, code } = await calls(text, '--ttl', '1m')
    assert.deepEqual({ status, code }, { status: 401, code: 'cap_revoked' })
  })

  test('is told which rule fails when it narrowed the token to another verb', async () => {
    const { text } = await mint()

    const verdict = await calls(text, '--verb', 'other:verb')

    assert.deepEqual(verdict, { status: 403, code: 'cap_denied', reason: 'verb' })
  })
})
