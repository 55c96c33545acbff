import { hash } from 'node:crypto'
import { delegate, emptyBook, learnDelegation, type DelegationBook } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Outgoing } from '../mailbox/index.ts'
import { signer } from '../peer-keys/signers.fixture.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { LevelMailboxStore } from '../stores/mailbox/index.ts'
import { askOthersFor } from './asking.ts'
import { ShareBook } from './book.ts'
import { SHARE_ROWS, ShareRows } from './rows.ts'
import { sharedSending } from './sending.ts'
import type { SendingOptions } from './sending.ts'
import { Serving } from './serving.ts'
import { Source } from './source.ts'
import { Taking } from './taking.ts'
import type { Elsewhere } from './taking.ts'

export const SHARE = '5f1d09c4a7e24be08c3a6d2f90b1e7c8'
export const TENANT = '11111111-1111-4111-8111-111111111111'
export const TOPIC = 'orders/new'
export const WINDOW_S = 3600
const START_S = 1_795_000_000

/** The clock of all hubs. */
export class Clock {
  s = START_S
  ms = 0
  pass(s: number): void {
    this.s += s
    this.ms += s * 1000
  }
}

type Answers = Pick<Serving, 'state' | 'pull'>

/** One hub over a store in memory: all that shares are made of but links and gossip. */
export class IslandHub {
  readonly id: string
  readonly refused: string[] = []
  /** Of the treaty as this hub has it. */
  topics: readonly string[] = [TOPIC]
  /** Takes all that comes, in the place of the mailbox. */
  takes: Elsewhere['take'] | undefined
  readonly #keys: ReturnType<typeof signer>
  readonly #message: ReturnType<typeof signer>
  readonly #clock: Clock
  readonly #isRelayed: boolean
  readonly #all: readonly IslandHub[]
  #level!: Level
  #store!: LevelMailboxStore
  book!: ShareBook
  #taking!: Taking
  serving!: Serving
  #sending!: SendingOptions
  readonly #sources = new Map<string, Source>()

  constructor(byte: number, all: readonly IslandHub[], clock: Clock, isRelayed: boolean) {
    this.#keys = signer(byte)
    this.#message = signer(byte + 100)
    this.id = this.#keys.hub
    this.#clock = clock
    this.#isRelayed = isRelayed
    this.#all = all
  }

  get terms(): string {
    return hash('md5', this.topics.join(), 'hex')
  }

  get #way() {
    return {
      tenant: TENANT,
      relay: this.#isRelayed,
      windowS: WINDOW_S,
      has: (topic: string) => this.topics.includes(topic),
      terms: this.terms
    }
  }

  keys(): DelegationBook {
    const { hub, key } = this.#keys
    const learned = learnDelegation(
      emptyBook(hub),
      delegate(key, {
        hub,
        node: 'core',
        role: 'message',
        key: this.#message.hex,
        not_before: START_S - 1000,
        not_after: START_S + 10 ** 7,
        epoch: 1
      })
    )
    if (learned.verdict !== 'new') throw new Error(learned.verdict)
    return learned.book
  }

  /** Opens what the store has; also again, which forgets all that is in memory. */
  async open(): Promise<void> {
    this.#level ??= await openLevel('memory')
    const clock = this.#clock
    const now = () => ({ ms: clock.ms, s: clock.s })
    const store = await LevelMailboxStore.open(this.#level, { now: () => clock.s * 1000, idemWindowMs: 1000 })
    this.#store = store
    this.book = await ShareBook.open(new ShareRows(this.#level), {
      self: this.id,
      nowMs: () => clock.s * 1000,
      log: undefined,
      isCutShort: false,
      commit: async beside => void (await store.commit([{ do: 'beside', beside }])),
      onDamaged: () => undefined
    })
    const agreements = {
      out: () => this.#way,
      in: () => this.#way,
      from: () => this.#way,
      incoming: () => [SHARE],
      sharesOf: () => [SHARE],
      windowOf: () => WINDOW_S
    }
    this.#taking = new Taking({
      agreements,
      book: this.book,
      mailbox: {
        async deliver({ tenant, topic, priority, body, beside }) {
          const meta = new Uint8Array()
          await store.commit([{ do: 'append', message: { tenant, topic, priority, meta, body, beside } }])
        },
        writeBeside: async beside => void (await store.commit([{ do: 'beside', beside }]))
      },
      acceptance: { take: async () => ({ verdict: 'accept', reasons: [] }) },
      keysOf: hub => this.#all.find(({ id }) => id === hub)!.keys(),
      now,
      refusals: { refuse: (_from, why) => void this.refused.push(why) },
      onEquivocation: () => void this.refused.push('proof'),
      delivered: () => undefined,
      elsewhere: { has: () => this.takes !== undefined, take: message => this.takes!(message) }
    })
    this.serving = new Serving({ self: this.id, agreements, book: () => this.book, now })
    this.#sending = {
      agreements,
      book: this.book,
      signer: () => ({
        hub: this.id,
        node: 'core',
        key: this.#message.key,
        publicKey: this.#message.hex,
        epoch: 1,
        notBefore: START_S - 1000,
        notAfter: START_S + 10 ** 7
      }),
      needSigner: async () => undefined,
      nowMs: () => clock.s * 1000,
      stored: () => undefined
    }
  }

  async restart(): Promise<void> {
    for (const hub of this.#sources.keys()) await this.cut(hub)
    await this.#store[Symbol.asyncDispose]()
    await this.open()
  }

  async send(text: string, topic = TOPIC, of?: string): Promise<void> {
    const body = Buffer.from(text)
    const outgoing: Outgoing = { tenant: TENANT, topic, body }
    const shared = await sharedSending(this.#sending, of)(outgoing)
    const message = { tenant: TENANT, topic, priority: 4, meta: new Uint8Array(), body }
    await this.#store.commit([
      { do: 'append', message: { ...message, ...(shared && { beside: shared.beside }) } }
    ])
  }

  /** Begins to ask another hub, or whoever answers for it. */
  link(hub: string, answers: Answers): Source {
    const source = new Source({
      self: this.id,
      hub,
      caller: {
        client: () =>
          ({
            share_state: (asked: Parameters<Answers['state']>[1]) => answers.state(this.id, asked),
            share_pull: (asked: Parameters<Answers['pull']>[1]) => answers.pull(this.id, asked)
          }) as never
      },
      agreements: { incoming: () => [SHARE], in: () => this.#way, from: () => this.#way },
      book: () => this.book,
      taking: () => this.#taking,
      nowMs: () => this.#clock.ms,
      took: () => undefined,
      done: () => undefined,
      missed: name => askOthersFor(this.book.find(name), hub, this.#sources.values()),
      failed: error => {
        if (!(error instanceof OapError)) throw error
        this.refused.push(error.code)
      },
      renewed: () => undefined
    })
    this.#sources.set(hub, source)
    return source
  }

  async cut(hub: string): Promise<void> {
    await this.#sources.get(hub)?.stop()
    this.#sources.delete(hub)
  }

  /** One round with each hub that it is linked with. */
  async round(): Promise<void> {
    for (const source of this.#sources.values()) {
      source.due()
      await source.idle()
    }
  }

  /** What its consumers would get, in no order. */
  async texts(topic = TOPIC): Promise<string[]> {
    const messages = await this.#store.read({ tenant: TENANT, topic }, { limit: 1024 })
    return messages.map(({ body }) => Buffer.from(body).toString()).sort()
  }

  /** The keys of what shares keep. */
  async rows(): Promise<readonly string[]> {
    const start = `!${SHARE_ROWS}!`
    return await this.#level.keys<string>({ gte: start, lt: `${start}\uffff` }).all()
  }

  async takeAway(): Promise<void> {
    const [first] = await this.#store.read({ tenant: TENANT, topic: TOPIC }, { limit: 1 })
    if (first !== undefined) await this.#store.commit([{ do: 'remove', place: first }])
  }
}

/** Hubs that share one topic. */
export async function island(
  count: number,
  { isRelayed = false }: { readonly isRelayed?: boolean } = {}
): Promise<{ readonly hubs: readonly IslandHub[]; readonly clock: Clock }> {
  const clock = new Clock()
  const hubs: IslandHub[] = []
  for (let n = 1; n <= count; n++) hubs.push(new IslandHub(n, hubs, clock, isRelayed))
  for (const hub of hubs) await hub.open()
  return { hubs, clock }
}
