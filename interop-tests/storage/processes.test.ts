import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connectAdmin } from 'omnigate'
import type { AdminClient } from 'omnigate'
import { Child } from '../child.ts'
import { LAUNCHER, omnigate } from '../our-node.ts'
import { Hub } from '../links/hub.ts'
import { until } from '../links/go-hub.ts'
import { allow, get, providersOf, put, reportOf } from './operator.ts'
import { sample } from './sample.ts'

const OPTIONS = { timeout: 240_000 }
const MIB = 1024 * 1024
/** Does not come over a link before somebody can end its provider. */
const LONG = 48 * MIB

/** A hub in a process of its own, and its operator. */
class Party implements AsyncDisposable {
  readonly hub: Hub
  #operator: AdminClient

  private constructor(hub: Hub, operator: AdminClient) {
    this.hub = hub
    this.#operator = operator
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Party> {
    const hub = await Hub.start({ env })
    return new Party(hub, await connectAdmin(hub.data))
  }

  get operator(): AdminClient {
    return this.#operator
  }

  get peer(): string {
    return this.hub.address.split('/p2p/')[1]!
  }

  /** Ends its process with SIGKILL. */
  async kill(): Promise<void> {
    await this.hub.kill()
  }

  async run(): Promise<void> {
    await this.hub.run()
    await this.#leave()
    this.#operator = await connectAdmin(this.hub.data)
  }

  /** Its node may be gone. */
  async #leave(): Promise<void> {
    try {
      await this.#operator[Symbol.asyncDispose]()
    } catch {
      // It ended with its node.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leave()
    await this.hub[Symbol.asyncDispose]()
  }
}

async function link(a: Party, b: Party, treaty?: object): Promise<void> {
  const more = treaty === undefined ? {} : { treaty }
  await allow(b.operator, a.hub, more)
  await allow(a.operator, b.hub, { address: b.hub.address, ...more })
  await Promise.all([a.hub.link(b.hub, 'up'), b.hub.link(a.hub, 'up')])
}

const report = ({ operator }: Party, cid: string) => reportOf(operator, cid)

describe('three hubs in a row, in three processes', OPTIONS, () => {
  let a: Party
  let b: Party
  let c: Party

  before(async () => {
    ;[a, b, c] = await Promise.all([Party.start(), Party.start(), Party.start()])
    await link(a, b)
    await link(c, b)
  })
  after(async () => {
    for (const party of [a, b, c]) await party?.[Symbol.asyncDispose]()
  })

  test('get a public blob of whom they have no link with by the DHT alone', async () => {
    const bytes = sample('by the DHT', 3 * MIB + 1)
    const cid = await put(a.operator, bytes)
    await until(
      () => providersOf(c.operator, cid),
      found => found.length > 0
    )

    const { code, stdout, stderr } = await omnigate([
      'blob',
      'providers',
      cid,
      '--data',
      c.hub.data,
      '--json'
    ])
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      (JSON.parse(stdout.join('')) as { providers: { peer: string; via: string }[] }).providers.map(
        ({ peer, via }) => [peer, via]
      ),
      [[a.peer, 'dht']]
    )
    assert.ok((await get(c.operator, cid)).equals(bytes))
    const { providers } = await report(c, cid)
    assert.deepEqual(
      providers.map(({ peer, via, ended }) => [peer, via, ended]),
      [[a.peer, 'dht', 'done']]
    )
  })

  test('get a federated one over a link, by has, and nobody else does', async () => {
    const bytes = sample('federated', MIB)
    const cid = await put(a.operator, bytes, 'federated')

    assert.ok((await get(b.operator, cid)).equals(bytes))
    const { providers } = await report(b, cid)
    assert.deepEqual(
      providers.map(({ peer, via, ended }) => [peer, via, ended]),
      [[a.peer, 'link', 'done']]
    )
    assert.deepEqual(await providersOf(c.operator, cid), [])
    await assert.rejects(get(c.operator, cid), { code: 'not_found' })
  })
})

describe('a hub that is linked with two others, in three processes', OPTIONS, () => {
  let a: Party
  let b: Party
  let c: Party

  before(async () => {
    ;[a, b, c] = await Promise.all([Party.start(), Party.start(), Party.start()])
    await link(c, a)
    await link(c, b)
  })
  after(async () => {
    for (const party of [a, b, c]) await party?.[Symbol.asyncDispose]()
  })

  test('finishes a download from the other when the process of its provider is killed in the middle', async () => {
    const cutOff: unknown[] = []
    // Which of the two is asked first is not for us to say: the one that is killed may have been at rest.
    for (const [n, victim] of [a, b, a, b, a, b].entries()) {
      if (cutOff.length > 0) break
      const bytes = sample(`killed ${n}`, LONG)
      const cid = await put(a.operator, bytes)
      assert.equal(await put(b.operator, bytes), cid)

      const got = await get(c.operator, cid, async pieces => (pieces === 8 ? victim.kill() : undefined))

      assert.ok(got.equals(bytes))
      const { code, fetched, providers } = await report(c, cid)
      assert.deepEqual([code, fetched], [undefined, LONG])
      const of = (party: Party) => providers.find(({ peer }) => peer === party.peer)
      const other = of(victim === a ? b : a)
      assert.ok(other!.bytes > 0, 'the other has brought a part')
      const { ended, bytes: came = 0 } = of(victim) ?? {}
      if (came > 0 && /^(dropped|unreachable|stalled)$/.test(ended!)) cutOff.push([came < LONG, ended])
      await victim.run()
      await Promise.all([victim.hub.link(c.hub, 'up'), c.hub.link(victim.hub, 'up')])
    }

    assert.equal(cutOff.length, 1, 'none of those that were killed was giving anything')
  })

  test('says who was asked, how far each came and why it stopped, when all are killed', async () => {
    const cid = await put(a.operator, sample('all killed', LONG))
    const lost = get(c.operator, cid, async pieces => (pieces === 4 ? a.kill() : undefined))

    await assert.rejects(lost)

    const { code, missing, fetched, providers } = await report(c, cid)
    assert.deepEqual([code, missing], ['upstream', LONG])
    const [asked] = providers
    assert.deepEqual([asked!.peer, asked!.via, providers.length], [a.peer, 'link', 1])
    assert.match(asked!.ended!, /^(dropped|unreachable|stalled)$/)
    assert.ok(asked!.reached! >= fetched && fetched > 0 && fetched < LONG)
    await a.run()
    await Promise.all([a.hub.link(c.hub, 'up'), c.hub.link(a.hub, 'up')])
    const again = await get(c.operator, cid)
    assert.ok(again.equals(sample('all killed', LONG)))
    const later = await until(
      () => report(c, cid),
      ({ code }) => code === undefined
    )
    assert.equal(later.missing, LONG - fetched, 'it goes on with what came')
  })

  test('says so on the command line too, where the same command then goes on', async () => {
    const bytes = sample('told', LONG)
    const cid = await put(a.operator, bytes)
    const top = await mkdtemp(join(tmpdir(), 'omnigate-got-'))
    const command = ['blob', 'get', cid, '--data', c.hub.data, '-o', join(top, 'blob')]
    try {
      await using getting = new Child(process.execPath, [LAUNCHER, ...command])
      await until(
        // Beside it lies the folder of its lock.
        async () => {
          const part = (await readdir(top)).find(name => name.endsWith('.part'))
          return part === undefined ? 0 : (await stat(join(top, part))).size
        },
        size => size > 0
      )
      await a.kill()
      const { code, stderr } = await getting.ended()

      assert.notEqual(code, 0)
      assert.match(stderr, /ASKED +BY +CAME +ENDED/)
      assert.match(
        stderr,
        new RegExp(`${a.peer} +link +\\d+ bytes, to byte \\d+ +(dropped|unreachable|stalled)`)
      )
      assert.match(stderr, /the same command goes on with it/)
      await a.run()
      await Promise.all([a.hub.link(c.hub, 'up'), c.hub.link(a.hub, 'up')])
      const again = await omnigate(command, 60_000)
      assert.equal(again.code, 0, again.stderr)
      assert.ok((await readFile(join(top, 'blob'))).equals(bytes))
    } finally {
      await rm(top, { recursive: true, force: true })
    }
  })
})
