import type { TreatyGrant } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { Judging, Quarantine, QUARANTINE } from '../../node/policy/index.ts'
import { BUILT_IN } from '../../node/policy/policy-in-force.ts'
import { PeerKeys } from '../../node/peer-keys/index.ts'
import {
  Agreements,
  Announcing,
  Hearing,
  Refusals,
  ShareRows,
  Shares,
  twoIds
} from '../../node/shares/index.ts'
import { LevelMailboxStore } from '../../node/stores/mailbox/index.ts'
import type { StoredMessage } from '../../node/stores/mailbox/index.ts'
import { Accusations, Equivocations, PLACED_KINDS } from '../../node/witness/index.ts'
import type { SharedSending } from '../../node/mailbox/index.ts'
import type { Hub } from './hub.ts'
import { Liar, falseProof } from './liars.ts'
import { TENANT, bodyOf, nameOf, shareIdOf, topicOf } from './names.ts'
import type { LinkClient, Op, Side } from './network.ts'
import { saysTwo } from './plan.ts'

const PAGE = 1024
const NOTHING = new Uint8Array(0)
const MOST_QUARANTINED_BYTES = 64 * 1024 * 1024

/**
 * A hub from its start until it stops: the parts of a node that decide about shares, proofs and items, over what is
 * durable. When it is gone nothing calls it any more, and what it waits for never comes.
 */
export class HubProcess implements Side {
  readonly n: number
  isGone = false
  readonly #hub: Hub
  readonly #run: number
  readonly #theirs = new Map<string, TreatyGrant>()
  readonly #links = new Map<number, { readonly hub: string; readonly caller: never }>()
  #keys!: PeerKeys
  #store!: LevelMailboxStore
  #shares!: Shares
  #sending!: SharedSending
  #announcing!: Announcing
  #equivocations!: Equivocations
  #quarantine!: Quarantine
  #liar: Liar | undefined
  isUp = false

  constructor(hub: Hub, run: number) {
    this.n = hub.n
    this.#hub = hub
    this.#run = run
  }

  /** Reads what there is, and joins the others. */
  async start(): Promise<void> {
    const { disk, world, name } = this.#hub
    const { time, network, gossip } = world
    const level = () => disk.level
    const record = async (): Promise<void> => undefined
    this.#keys = await PeerKeys.open(level, {
      isAllowed: id => this.#hub.allowed.has(id),
      record,
      seconds: () => this.#hub.nowS()
    })
    const delegations = [...this.#hub.allowed.keys()].map(id => world.hubOf(id).name.delegation)
    await this.#keys.learn(delegations.map(one => ({ kind: 'delegation', record: one })))
    this.#quarantine = await Quarantine.open(level, {
      bounds: { ...QUARANTINE, bytes: MOST_QUARANTINED_BYTES },
      record,
      now: () => this.#hub.nowMs()
    })
    this.#store = await LevelMailboxStore.open(disk.level, {
      now: () => this.#hub.nowMs(),
      idemWindowMs: 1000
    })
    await this.#openShares()
    this.#equivocations = new Equivocations({
      self: name.id,
      keys: this.#keys,
      links: () => (this.#hub.breaks('secretive') ? [] : [...this.#links.values()]),
      kinds: PLACED_KINDS,
      now: () => time.ms,
      seconds: () => this.#hub.nowS(),
      accusations: await Accusations.open(level),
      record,
      log: { warn: () => undefined, error: () => undefined, debug: () => undefined } as never
    })
    if (this.isGone) return
    this.isUp = true
    gossip.join(this.n, this.#hearing())
    network.join(this)
  }

  // --- what the network calls ---

  up(other: number, client: LinkClient): void {
    const { world } = this.#hub
    const there = nameOf(other)
    const link = { hub: there.id, caller: { client: () => client } as never }
    this.#theirs.set(there.id, world.hubOf(there.id).grantTo(this.n))
    this.#links.set(other, link)
    this.#shares.up(link)
    if (!this.#hub.breaks('secretive')) world.time.go(this.#equivocations.up(link))
    // It hears announcements from now on.
    world.time.go(this.#shares.newest(there.id).then(newest => this.#announcing.add(newest)))
  }

  down(other: number): void {
    this.#links.delete(other)
    this.#hub.world.time.go(this.#shares.down(nameOf(other).id))
  }

  async answer(from: number, op: Op, request: object): Promise<unknown> {
    const { id } = nameOf(from)
    if (this.#keys.quarantine(id) !== undefined)
      throw new OapError('cap_denied', 'the hub is in quarantine', { reason: 'quarantine' })
    if (op === 'equivocation') return this.#proofTold(from, request as { readonly body?: Uint8Array })
    const asked = request as never
    const asker = this.#hub.breaks('open') ? this.#memberFor(request as { readonly share: string }, id) : id
    const { serving } = this.#shares
    if (op === 'share_state' && this.#hub.breaks('no-rounds')) return { rows: [], more: false }
    const honest = await (op === 'share_state' ? serving.state(asker, asked) : serving.pull(asker, asked))
    return this.#liar === undefined ? honest : this.#liar.answer(from, op, request, honest)
  }

  // --- what the plan has it do ---

  /** A user of this hub sends to a share. */
  async send(share: number): Promise<void> {
    const { world, sent } = this.#hub
    const text = bodyOf(share, this.n, sent.length)
    sent.push(text)
    const [topic, body] = [topicOf(share), Buffer.from(text)]
    const shared = await this.#sending({ tenant: TENANT, topic, body })
    if (this.#hub.breaks('skips') && sent.length % 2 === 0) shared?.beside.rows('')
    const message = { tenant: TENANT, topic, priority: 4, meta: NOTHING, body }
    await this.#store.commit([
      { do: 'append', message: { ...message, ...(shared && { beside: shared.beside }) } }
    ])
    world.acknowledged(this.#hub, text)
    shared?.stored()
  }

  /** Its consumers take all that is there. */
  async take(): Promise<void> {
    const { taken, maybeTaken } = this.#hub
    for (const share of this.#hub.shares)
      for (const message of await this.#messages(share)) {
        const text = Buffer.from(message.body).toString()
        maybeTaken.add(text)
        await this.#store.commit([{ do: 'remove', place: message }])
        if (!this.isGone) taken.set(text, (taken.get(text) ?? 0) + 1)
      }
  }

  tick(): void {
    this.#shares.tick()
  }

  /** What a liar does by itself, every 20 seconds. */
  mischief(turn: number): void {
    const { world, lie } = this.#hub
    const { time, plan, gossip } = world
    if (lie === 'flood')
      for (let n = 0; n < 20; n++) gossip.publish(this.n, Buffer.from(`${this.n} ${this.#run} ${turn} ${n}`))
    for (const { caller } of this.#links.values()) {
      const client = (caller as { readonly client: () => LinkClient }).client()
      const quietly = (call: Promise<unknown>): void => time.go(call.catch(expected))
      if (lie === 'curious') for (const { n } of plan.shares) quietly(pry(client, shareIdOf(n)))
      if (lie !== 'framer') continue
      const hubs = plan.hubs.filter(n => n !== this.n && !plan.liars.has(n))
      const against = hubs[turn % hubs.length]
      if (against === undefined) continue
      const body = Buffer.from(falseProof(this.#hub.name, nameOf(against)))
      quietly(client.equivocation({ body }))
    }
  }

  // --- what an observer sees ---

  isQuarantined(n: number): boolean {
    return this.#keys.quarantine(nameOf(n).id) !== undefined
  }

  holdsProof(n: number): boolean {
    return this.#keys.proofs(nameOf(n).id).length > 0
  }

  /** Texts of the messages that wait for its consumers. */
  async texts(share: number): Promise<readonly string[]> {
    return (await this.#messages(share)).map(({ body }) => Buffer.from(body).toString())
  }

  /** Numbers of own series for which there is no message. */
  async skipped(): Promise<number> {
    const book = this.#shares.book!
    let skipped = 0
    for (const share of this.#hub.shares)
      for (const series of book.of(shareIdOf(share)).filter(({ origin }) => origin === this.#hub.name.id)) {
        const { first, last } = series.stored
        const there = first > last ? [] : await book.rows.messages(series, first, last, last - first + 1)
        skipped += last - first + 1 - there.length
      }
    return skipped
  }

  /** What is kept in memory for others, counted. */
  kept() {
    const series = [...(this.#shares.book?.all() ?? [])]
    const origins = new Map<string, number>()
    for (const { share, origin } of series)
      origins.set(`${share} ${origin}`, (origins.get(`${share} ${origin}`) ?? 0) + 1)
    return {
      series: Math.max(0, ...origins.values()),
      origins: origins.size,
      stretches: Math.max(0, ...series.map(({ stored }) => stored.missing.length)),
      taking: series.reduce((sum, one) => sum + one.taking.size, 0),
      waiting: this.#announcing.waiting,
      quarantined: this.#quarantine.items,
      proofs: Math.max(0, ...[...this.#hub.allowed.keys()].map(id => this.#keys.proofs(id).length))
    }
  }

  get shares(): Shares {
    return this.#shares
  }

  async #openShares(): Promise<void> {
    const hub = this.#hub
    const { disk, world, name } = hub
    const { time } = world
    const agreements = new Agreements({
      list: () => [...hub.allowed.values()],
      allowed: id => (this.#keys.quarantine(id) === undefined ? hub.allowed.get(id) : undefined),
      theirs: id => this.#theirs.get(id),
      isTenant: () => true
    })
    const now = () => ({ ms: time.ms, s: hub.nowS() })
    const refusals = new Refusals({
      count: why => world.trace(`refused ${this.n} ${why}`),
      record: () => undefined,
      nowMs: () => time.ms
    })
    const store = this.#store
    this.#shares = new Shares({
      self: name.id,
      agreements,
      acceptance: new Judging({
        policy: () => BUILT_IN,
        standing: id => (this.#keys.quarantine(id) === undefined ? 'allowed' : 'quarantined'),
        quarantine: this.#quarantine,
        record: async () => undefined,
        now: () => hub.nowMs(),
        decided: () => undefined
      }),
      keysOf: id => this.#keys.book(id),
      signer: () => name.signer,
      needSigner: async () => undefined,
      refusals,
      now,
      nowMs: () => hub.nowMs(),
      stored: numbered => this.#announcing.add(numbered),
      delivered: () => undefined,
      onEquivocation: (first, second) => {
        world.trace(`two ids ${this.n}`)
        time.go(this.#equivocations.found(twoIds(first, second, id => this.#keys.book(id))))
      },
      failed: (_id, error) => expected(error),
      sweepFailed: error => {
        throw error
      },
      renewed: () => world.trace(`renewed ${this.n}`)
    })
    this.#announcing = new Announcing({
      signer: () => name.signer,
      nowMs: () => hub.nowMs(),
      publish: () => async line => world.gossip.publish(this.n, line),
      after: (ms, run) => time.after(ms, () => (this.isGone ? undefined : run())),
      dropped: () => world.trace(`dropped ${this.n}`)
    })
    const commit = async (beside: Parameters<typeof besideOf>[0]): Promise<void> =>
      void (await store.commit([besideOf(beside)]))
    const { book, sending } = await this.#shares.read(new ShareRows(disk.level), {
      commit,
      log: `log ${hub.log}`,
      isCutShort: store.opened.missing.length > 0,
      onDamaged: row => world.broken('once', `hub ${this.n}: row ${row} is damaged`)
    })
    this.#sending = sending
    this.#shares.opened(book, {
      async deliver({ tenant, topic, priority, body, beside }) {
        await store.commit([
          { do: 'append', message: { tenant, topic, priority, meta: NOTHING, body, beside } }
        ])
        world.trace(`delivered ${hub.n} ${Buffer.from(body).toString()}`)
      },
      writeBeside: commit
    })
    if (hub.lie !== undefined)
      this.#liar = new Liar(
        name,
        hub.lie,
        async (share, series, number) =>
          (await book.rows.message({ share, origin: name.id, series }, number))?.line,
        () => time.ms
      )
    this.#keys.onChange(({ hub: id, change }) => {
      world.trace(`${change} ${this.n} ${world.hubOf(id).n}`)
      if (change === 'quarantine' && hub.isHonest && !saysTwo(world.hubOf(id).lie))
        world.broken('honest', `hub ${this.n} has hub ${world.hubOf(id).n} in quarantine`)
      this.#shares.review(id, false)
    })
  }

  #hearing() {
    const hub = this.#hub
    const { world, name } = hub
    const allowed = (id: string) =>
      this.#keys.quarantine(id) === undefined ? hub.allowed.get(id) : undefined
    const hearing = new Hearing({
      self: name.id,
      agreements: {
        isAllowed: id => allowed(id) !== undefined,
        sharesFrom: id => allowed(id)?.treaty.rows.map(({ share }) => share.id) ?? []
      },
      keysOf: id => this.#keys.book(id),
      refusals: { refuse: (_from, why) => world.trace(`refused ${this.n} ${why}`) },
      now: () => ({ ms: world.time.ms, s: hub.nowS() }),
      hubOf: peer => nameOf(Number(peer)).id,
      announced: (series, { number, id }) => {
        if (hub.breaks('eager')) this.#pullAtOnce(series, number)
        this.#shares.announced(series, number, id)
      }
    })
    return (from: number, line: Uint8Array) => hearing.hear(String(from), line)
  }

  async #proofTold(from: number, request: { readonly body?: Uint8Array }): Promise<unknown> {
    if (this.#hub.breaks('trusting')) {
      const line = Buffer.from(request.body ?? []).toString()
      const { hub } = JSON.parse(line) as { readonly hub: string }
      return { result: await this.#keys.prove(hub, { kind: 'numbers', lines: [line] }, []) }
    }
    return this.#equivocations.heard(request, { hub: nameOf(from).id } as never, {} as never)
  }

  /** Breaks a rule on purpose: asks beside all that is asked already. */
  #pullAtOnce(
    series: { readonly share: string; readonly origin: string; readonly series: number },
    number: number
  ): void {
    const link = this.#links.get(this.#hub.world.hubOf(series.origin).n)
    if (link === undefined) return
    const client = (link.caller as { readonly client: () => LinkClient }).client()
    this.#hub.world.time.go(client.share_pull({ ...series, numbers: [[number, number]] }).catch(expected))
  }

  /** Breaks a rule on purpose: any member of a share that somebody asks for. */
  #memberFor({ share }: { readonly share: string }, asker: string): string {
    const entries = [...this.#hub.allowed.values()]
    const isIn = ({ treaty }: (typeof entries)[number]): boolean =>
      treaty.rows.some(row => row.share.id === share)
    return (entries.find(entry => entry.hub === asker && isIn(entry)) ?? entries.find(isIn))?.hub ?? asker
  }

  async #messages(share: number): Promise<readonly StoredMessage[]> {
    const all: StoredMessage[] = []
    for (;;) {
      const last = all.at(-1)
      const page = await this.#store.read(
        { tenant: TENANT, topic: topicOf(share) },
        { limit: PAGE, ...(last && { after: last }) }
      )
      all.push(...page)
      if (page.length < PAGE) return all
    }
  }
}

const besideOf = (beside: Parameters<Parameters<Shares['read']>[1]['commit']>[0]) =>
  ({ do: 'beside', beside }) as const

/** Asks for all that there is of a share. */
async function pry(client: LinkClient, share: string): Promise<void> {
  const { rows } = (await client.share_state({ share })) as Awaited<ReturnType<Shares['serving']['state']>>
  for (const { origin, series, last } of rows)
    if (last > 0) await client.share_pull({ share, origin, series, numbers: [[Math.max(1, last - 9), last]] })
}

/** What a hub refuses is its right; all else is a fault of this program. */
function expected(error: unknown): void {
  if (!(error instanceof OapError)) throw error
}
