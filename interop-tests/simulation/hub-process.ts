import type { TreatyGrant } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { StoredMessage } from '../../node/stores/mailbox/index.ts'
import { NOTHING, linkOf, openParts } from './hub-parts.ts'
import type { Parts } from './hub-parts.ts'
import type { Hub } from './hub.ts'
import { Liar } from './liars.ts'
import { mischief } from './mischief.ts'
import { TENANT, bodyOf, nameOf, shareIdOf, sharesIn, topicOf } from './names.ts'
import type { LinkClient, Op, Side } from './network.ts'

const PAGE = 1024

/**
 * A hub from its start until it stops, over what is durable of it. When it is gone nothing calls it any more, and what it
 * waits for never comes.
 */
export class HubProcess implements Side {
  readonly n: number
  isUp = false
  isGone = false
  readonly #hub: Hub
  readonly #theirs = new Map<string, TreatyGrant>()
  readonly #links = new Map<number, { readonly hub: string; readonly client: LinkClient }>()
  #parts!: Parts
  #liar: Liar | undefined

  constructor(hub: Hub) {
    this.n = hub.n
    this.#hub = hub
  }

  /** Reads what there is, and joins the others. */
  async start(): Promise<void> {
    const { world } = this.#hub
    const around = { isGone: () => this.isGone, theirs: this.#theirs, links: this.#links }
    this.#parts = await openParts(this.#hub, around)
    this.#liar = this.#lying()
    if (this.isGone) return
    this.isUp = true
    world.gossip.join(this.n, this.#parts.hear)
    world.network.join(this)
  }

  up(other: number, client: LinkClient): void {
    const { shares, equivocations, announcing } = this.#parts
    const { world } = this.#hub
    const there = nameOf(other)
    const link = { hub: there.id, client }
    this.#theirs.set(there.id, world.hubOf(there.id).grantTo(this.n))
    this.#links.set(other, link)
    shares.up(linkOf(link))
    if (!this.#hub.breaks('secretive')) world.time.go(equivocations.up(linkOf(link)))
    // It hears announcements from now on.
    world.time.go(shares.newest(there.id).then(newest => announcing.add(newest)))
  }

  down(other: number): void {
    this.#links.delete(other)
    this.#hub.world.time.go(this.#parts.shares.down(nameOf(other).id))
  }

  async answer(from: number, op: Op, request: object): Promise<unknown> {
    const { keys, shares } = this.#parts
    const { id } = nameOf(from)
    if (keys.quarantine(id) !== undefined)
      throw new OapError('cap_denied', 'the hub is in quarantine', { reason: 'quarantine' })
    if (op === 'equivocation') return this.#proofTold(id, request as { readonly body?: Uint8Array })
    if (op === 'share_state' && this.#hub.breaks('no-rounds')) return { rows: [], more: false }
    const asked = request as never
    const asker = this.#hub.breaks('open') ? this.#memberFor(request as { readonly share: string }, id) : id
    const { serving } = shares
    const honest = await (op === 'share_state' ? serving.state(asker, asked) : serving.pull(asker, asked))
    return this.#liar === undefined ? honest : this.#liar.answer(from, op, request, honest)
  }

  /** A user of this hub sends to a share. */
  async send(share: number): Promise<void> {
    const { world, sent } = this.#hub
    const text = bodyOf(share, this.n, sent.length)
    sent.push(text)
    const [topic, body] = [topicOf(share), Buffer.from(text)]
    const shared = await this.#parts.sending({ tenant: TENANT, topic, body })
    if (this.#hub.breaks('skips') && sent.length % 2 === 0) shared?.beside.rows('')
    const message = { tenant: TENANT, topic, priority: 4, meta: NOTHING, body }
    await this.#parts.store.commit([
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
        await this.#parts.store.commit([{ do: 'remove', place: message }])
        if (!this.isGone) taken.set(text, (taken.get(text) ?? 0) + 1)
      }
  }

  tick(): void {
    this.#parts.shares.tick()
  }

  /** What it does by itself where it lies. */
  mischief(turn: number): void {
    const clients = [...this.#links.values()].map(({ client }) => client)
    mischief(this.#hub, clients, turn)
  }

  isQuarantined(n: number): boolean {
    return this.#parts.keys.quarantine(nameOf(n).id) !== undefined
  }

  holdsProof(n: number): boolean {
    return this.#parts.keys.proofs(nameOf(n).id).length > 0
  }

  /** Of each proof against a hub the shares that it names. */
  sharesOfProofs(n: number): readonly ReadonlySet<number>[] {
    return this.#parts.keys
      .proofs(nameOf(n).id)
      .map(({ lines }) => new Set(lines.flatMap(line => [...sharesIn(Buffer.from(line))])))
  }

  /** Texts of the messages that wait for its consumers. */
  async texts(share: number): Promise<readonly string[]> {
    return (await this.#messages(share)).map(({ body }) => Buffer.from(body).toString())
  }

  /** Numbers of own series for which there is no message. */
  async skipped(): Promise<number> {
    const book = this.#parts.shares.book!
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
    const series = [...(this.#parts.shares.book?.all() ?? [])]
    const origins = new Map<string, number>()
    for (const { share, origin } of series)
      origins.set(`${share} ${origin}`, (origins.get(`${share} ${origin}`) ?? 0) + 1)
    return {
      series: Math.max(0, ...origins.values()),
      origins: origins.size,
      stretches: Math.max(0, ...series.map(({ stored }) => stored.missing.length)),
      taking: series.reduce((sum, one) => sum + one.taking.size, 0),
      waiting: this.#parts.announcing.waiting,
      quarantined: this.#parts.quarantine.items,
      proofs: Math.max(0, ...[...this.#hub.allowed.keys()].map(id => this.#parts.keys.proofs(id).length))
    }
  }

  #lying(): Liar | undefined {
    const { lie, name, world } = this.#hub
    if (lie === undefined) return undefined
    const lineOf = async (share: string, series: number, number: number): Promise<string | undefined> => {
      const own = { share, origin: name.id, series }
      return (await this.#parts.shares.book?.rows.message(own, number))?.line
    }
    return new Liar(name, lie, lineOf, () => world.time.ms)
  }

  async #proofTold(from: string, request: { readonly body?: Uint8Array }): Promise<unknown> {
    if (this.#hub.breaks('trusting')) {
      const line = Buffer.from(request.body ?? []).toString()
      const { hub } = JSON.parse(line) as { readonly hub: string }
      return { result: await this.#parts.keys.prove(hub, { kind: 'numbers', lines: [line] }, []) }
    }
    return this.#parts.equivocations.heard(request, { hub: from } as never, {} as never)
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
      const page = await this.#parts.store.read(
        { tenant: TENANT, topic: topicOf(share) },
        { limit: PAGE, ...(last && { after: last }) }
      )
      all.push(...page)
      if (page.length < PAGE) return all
    }
  }
}
