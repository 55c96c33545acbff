import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hubId } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Call, ConnectionState } from '../../protocols/index.ts'
import type { LiveLink } from './live-link.ts'
import { OverLinks } from './over-links.ts'
import { federationOver } from './service.ts'
import type { FederationParts } from './service.ts'

const HUB = hubId(new Uint8Array(32).fill(1))
const OTHER_HUB = hubId(new Uint8Array(32).fill(2))
const AT_ONCE = 100
const AT_ONE_TIME = 20

/** What links call, of two hubs, the first of which has two links one after the other. */
function linked() {
  let nowMs = 0
  const granted: object[] = []
  const told: string[] = []
  const link = (hub: string): LiveLink => ({ hub, state: { hub } as unknown as ConnectionState }) as LiveLink
  const [first, second, other] = [link(HUB), link(HUB), link(OTHER_HUB)]
  const { handlers } = federationOver({
    callConnections: {
      of: (call: Call) => call as unknown as ConnectionState
    } as FederationParts['callConnections'],
    links: {
      all: () => [first, second, other],
      grants: async (_state: ConnectionState, treaty: object) => granted.push(treaty) > 0,
      left: () => undefined
    },
    keys: {
      page: () => ({ total: 0, digest: '', body: Buffer.alloc(0) }),
      heard: async ({ hub }) => void told.push(hub)
    },
    responding: undefined as never,
    over: new OverLinks(),
    pairing: undefined as never,
    revocationSeq: () => 0,
    now: () => ({ ms: nowMs, s: 1_795_000_000 })
  })
  const codeOf = async (run: () => unknown): Promise<string> => {
    try {
      await run()
      return 'none'
    } catch (error) {
      assert.ok(error instanceof OapError, String(error))
      return error.code
    }
  }
  const by = ({ state }: LiveLink) => state as unknown as Call
  return {
    first,
    second,
    other,
    granted,
    treaty: (text: string, of = first) => codeOf(() => handlers.treaty({ body: Buffer.from(text) }, by(of))),
    probe: (of: LiveLink) => codeOf(() => handlers.probe({}, by(of))),
    keys: (of: LiveLink) => codeOf(() => handlers.keys({ from: 0 }, by(of))),
    leave: (of: LiveLink) => codeOf(() => handlers.leave({ reason: '' }, by(of))),
    newKeys: (of: LiveLink) => codeOf(() => handlers.new_keys({ body: Buffer.from('x\n') }, by(of))),
    pass: (ms: number) => void (nowMs += ms)
  }
}

describe('what a linked hub calls about its link', () => {
  test('is bounded by hub, whatever it calls and over whichever link; other hubs have their own', async () => {
    const { first, second, other, probe, keys, newKeys, treaty, leave, pass } = linked()
    for (let n = 0; n < AT_ONCE; n++) assert.equal(await probe(n % 2 === 0 ? first : second), 'none')

    for (const over of [probe(first), probe(second), keys(first), newKeys(first), treaty('{}'), leave(first)])
      assert.equal(await over, 'quota_peer')
    assert.equal(await probe(other), 'none')

    pass(1000)
    for (let n = 0; n < AT_ONE_TIME; n++) assert.equal(await keys(first), 'none')
    assert.equal(await keys(first), 'quota_peer')
  })

  test('is a treaty of at most 32,768 bytes and 4,096 values, which are counted while they are read', async () => {
    const { treaty, granted } = linked()
    const list = (values: number): string => `{"x":[${Array(values).fill('1').join(',')}]}`

    assert.equal(await treaty(list(4000)), 'none')
    assert.equal(await treaty(list(4100)), 'bad_payload')
    assert.equal(await treaty(`{"x":"${'y'.repeat(32_768)}"}`), 'body_oversize')
    assert.equal(granted.length, 1)
  })
})
