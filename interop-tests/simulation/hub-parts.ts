import type { TreatyGrant } from '../../federation/index.ts'
import type { SharedSending } from '../../node/mailbox/index.ts'
import { PeerKeys } from '../../node/peer-keys/index.ts'
import { Judging, QUARANTINE, Quarantine } from '../../node/policy/index.ts'
import { BUILT_IN } from '../../node/policy/policy-in-force.ts'
import {
  Agreements,
  Announcing,
  Hearing,
  Refusals,
  ShareRows,
  Shares,
  twoIds
} from '../../node/shares/index.ts'
import type { HeardVerdict } from '../../node/shares/index.ts'
import { LevelMailboxStore } from '../../node/stores/mailbox/index.ts'
import { Accusations, Equivocations, PLACED_KINDS } from '../../node/witness/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Hub } from './hub.ts'
import { nameOf } from './names.ts'
import type { LinkClient } from './network.ts'
import { isProvable } from './plan.ts'

export const NOTHING = new Uint8Array(0)
const MOST_QUARANTINED_BYTES = 64 * 1024 * 1024
const SILENT = { warn: () => undefined, error: () => undefined, debug: () => undefined } as never

/** What the parts of one hub are opened with, while its process lasts. */
export interface Around {
  readonly isGone: () => boolean
  /** What others grant it. */
  readonly theirs: ReadonlyMap<string, TreatyGrant>
  readonly links: ReadonlyMap<number, { readonly hub: string; readonly client: LinkClient }>
}

/** The parts of a node that decide about shares, proofs and items, as `node/start/` puts them together. */
export interface Parts {
  readonly keys: PeerKeys
  readonly store: LevelMailboxStore
  readonly quarantine: Quarantine
  readonly shares: Shares
  readonly sending: SharedSending
  readonly announcing: Announcing
  readonly equivocations: Equivocations
  readonly hear: (from: number, line: Uint8Array) => HeardVerdict | Promise<HeardVerdict>
}

/** Reads what is durable of a hub. */
export async function openParts(hub: Hub, around: Around): Promise<Parts> {
  const { disk, world } = hub
  const level = () => disk.level
  const now = (): number => hub.nowMs()
  const keys = await openKeys(hub)
  const bounds = { ...QUARANTINE, bytes: MOST_QUARANTINED_BYTES }
  const quarantine = await Quarantine.open(level, { bounds, record: notRecorded, now })
  const store = await LevelMailboxStore.open(disk.level, { now, idemWindowMs: 1000 })
  const equivocations = new Equivocations({
    self: hub.name.id,
    keys,
    links: () => (hub.breaks('secretive') ? [] : [...around.links.values()].map(linkOf)),
    treatyOf: id => hub.allowed.get(id)?.treaty,
    kinds: PLACED_KINDS,
    now: () => world.time.ms,
    seconds: () => hub.nowS(),
    accusations: await Accusations.open(level),
    record: notRecorded,
    log: SILENT
  })
  const announcing = announcingOf(hub, around)
  const shares = sharesOf(hub, around, { keys, quarantine, announcing, equivocations })
  const sending = await openShares(hub, shares, store)
  keys.onChange(({ hub: id, change }) => {
    world.trace(`${change} ${hub.n} ${world.hubOf(id).n}`)
    if (change === 'quarantine' && hub.isHonest && !isProvable(world.hubOf(id).lie))
      world.broken('honest', `hub ${hub.n} has hub ${world.hubOf(id).n} in quarantine`)
    shares.review(id, false)
  })
  const hear = hearingOf(hub, around, { keys, shares })
  return { keys, store, quarantine, shares, sending, announcing, equivocations, hear }
}

/** A link as the parts of a node know it. */
export const linkOf = ({ hub, client }: { readonly hub: string; readonly client: LinkClient }) => ({
  hub,
  caller: { client: () => client } as never
})

/** What a hub refuses is its right; all else is a fault of this program. */
export function expected(error: unknown): void {
  if (!(error instanceof OapError)) throw error
}

/** No hub here has an audit log. */
const notRecorded = async (): Promise<void> => undefined

async function openKeys({ disk, allowed, world, nowS }: Hub): Promise<PeerKeys> {
  const keys = await PeerKeys.open(() => disk.level, {
    isAllowed: id => allowed.has(id),
    record: notRecorded,
    seconds: nowS
  })
  const delegations = [...allowed.keys()].map(id => world.hubOf(id).name.delegation)
  await keys.learn(delegations.map(record => ({ kind: 'delegation', record })))
  return keys
}

function announcingOf({ n, name, world, nowMs }: Hub, { isGone }: Around): Announcing {
  return new Announcing({
    signer: () => name.signer,
    nowMs,
    ms: () => world.time.ms,
    publish: () => async line => world.gossip.publish(n, line),
    after: (ms, run) => void world.time.after(ms, () => (isGone() ? undefined : run())),
    dropped: () => world.trace(`dropped ${n}`)
  })
}

function sharesOf(
  hub: Hub,
  { theirs }: Around,
  {
    keys,
    quarantine,
    announcing,
    equivocations
  }: Pick<Parts, 'keys' | 'quarantine' | 'announcing' | 'equivocations'>
): Shares {
  const { n, world, name, nowMs, nowS } = hub
  const { time } = world
  const isFree = (id: string): boolean => keys.quarantine(id) === undefined
  return new Shares({
    self: name.id,
    agreements: new Agreements({
      list: () => [...hub.allowed.values()],
      allowed: id => (isFree(id) ? hub.allowed.get(id) : undefined),
      theirs: id => theirs.get(id),
      isTenant: () => true,
      nowS
    }),
    acceptance: new Judging({
      policy: () => BUILT_IN,
      standing: id => (isFree(id) ? 'allowed' : 'quarantined'),
      quarantine,
      record: notRecorded,
      now: nowMs,
      decided: () => undefined
    }),
    keysOf: id => keys.book(id),
    signer: () => name.signer,
    needSigner: async () => undefined,
    refusals: new Refusals({
      count: why => world.trace(`refused ${n} ${why}`),
      record: () => undefined,
      nowMs: () => time.ms
    }),
    now: () => ({ ms: time.ms, s: nowS() }),
    nowMs,
    stored: numbered => announcing.add(numbered),
    delivered: () => undefined,
    onEquivocation: (first, second) => {
      world.trace(`two ids ${n}`)
      time.go(equivocations.found(twoIds(first, second, id => keys.book(id))))
    },
    failed: (_id, error) => expected(error),
    sweepFailed: error => {
      throw error
    },
    renewed: () => world.trace(`renewed ${n}`)
  })
}

async function openShares(
  { n, log, disk, world }: Hub,
  shares: Shares,
  store: LevelMailboxStore
): Promise<SharedSending> {
  const commit: Parameters<Shares['read']>[1]['commit'] = async beside =>
    void (await store.commit([{ do: 'beside', beside }]))
  const { book, sending } = await shares.read(new ShareRows(disk.level), {
    commit,
    log: `log ${log}`,
    isCutShort: store.opened.missing.length > 0,
    onDamaged: row => world.broken('once', `hub ${n}: row ${row} is damaged`)
  })
  shares.opened(book, {
    async deliver({ tenant, topic, priority, body, beside }) {
      await store.commit([
        { do: 'append', message: { tenant, topic, priority, meta: NOTHING, body, beside } }
      ])
      world.trace(`delivered ${n} ${Buffer.from(body).toString()}`)
    },
    writeBeside: commit
  })
  return sending
}

function hearingOf(hub: Hub, { links }: Around, { keys, shares }: Pick<Parts, 'keys' | 'shares'>) {
  const { n, world, name, nowS } = hub
  const allowed = (id: string) => (keys.quarantine(id) === undefined ? hub.allowed.get(id) : undefined)
  const hearing = new Hearing({
    self: name.id,
    agreements: {
      isAllowed: id => allowed(id) !== undefined,
      sharesFrom: id => allowed(id)?.treaty.rows.map(({ share }) => share.id) ?? []
    },
    keysOf: id => keys.book(id),
    refusals: { refuse: (_from, why) => world.trace(`refused ${n} ${why}`) },
    now: () => ({ ms: world.time.ms, s: nowS() }),
    hubOf: peer => nameOf(Number(peer)).id,
    announced: (series, { number, id }, from) => {
      const origin = links.get(world.hubOf(series.origin).n)
      if (hub.breaks('eager') && origin !== undefined)
        world.time.go(origin.client.share_pull({ ...series, numbers: [[number, number]] }).catch(expected))
      return shares.announced(series, { number, id, from })
    }
  })
  return (from: number, line: Uint8Array) => hearing.hear(String(from), line)
}
