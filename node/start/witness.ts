import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readLogDelegation } from '../../federation/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { logPaths } from '../audit/index.ts'
import { readBoundedFile } from '../durable-file.ts'
import type { NodeSigners } from '../identity/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import {
  Accusations,
  Equivocations,
  Gathering,
  Heads,
  PLACED_KINDS,
  WitnessedLogs,
  Witnessing,
  recordingWrongWords,
  witnessAdmin,
  witnessName
} from '../witness/index.ts'
import type { WitnessAdmin } from '../witness/index.ts'
import { thisMoment } from '../links/index.ts'
import type { LiveLink } from '../links/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import type { NodePeerKeys } from './peer-keys.ts'

const TICK_MS = 1000
const MAX_DELEGATION_BYTES = 4096

export interface WitnessPlace {
  readonly store: NodeStore
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
  readonly links: Pick<NodeLinks, 'live' | 'over'>
  readonly signers: Pick<NodeSigners, 'of'>
  /** What is seen would not be kept beside the keys that cosign, so nothing is cosigned. */
  readonly isPassing: boolean
}

export interface NodeWitness {
  readonly admin: WitnessAdmin
  /** For the operator's overview: proofs against this hub that others told. */
  readonly standing: () => { readonly accusations?: number; readonly accused_at?: number }
  /** Where other parts bring proof that a hub said two things. */
  readonly equivocations: Pick<Equivocations, 'found'>
  /** The newest checkpoint with cosignatures, where it is over so many entries. */
  readonly cosignedAt: (size: number) => string | undefined
}

/** Witnesses the logs of linked hubs, has them witness this one, and takes and tells proofs that a hub said two things. */
export async function openWitness(
  base: NodeBase,
  { folder, keys }: Identity,
  { store, audit, rights, allowlist, peerKeys: { known }, links, signers, isPassing }: WitnessPlace
): Promise<NodeWitness> {
  const { log, metrics, started } = base
  const nowMs = (): number => thisMoment().ms
  const logs = await WitnessedLogs.open(() => store.level, {
    onDamaged: origin =>
      log.error(
        { event: 'WitnessedDamaged', log: origin },
        'what was seen of a log of another hub is damaged'
      )
  })
  const accusations = await Accusations.open(() => store.level)
  const equivocations = new Equivocations({
    seconds: rights.seconds,
    accusations,
    record: event => audit.append(event),
    self: keys.hubId,
    keys: known,
    links: () => links.live.all(),
    treatyOf: hub => allowlist.get(hub)?.treaty,
    kinds: PLACED_KINDS,
    now: nowMs,
    log
  })
  const openLog = () => (audit.part?.isOpen === true ? audit.part.log : undefined)
  const isWitness = (hub: string): boolean => links.live.theirs(hub)?.witness === true
  const found = async (proof: Parameters<Equivocations['found']>[0]): Promise<void> =>
    void (await equivocations.found(proof))
  const heads = new Heads({
    logs,
    links: () => links.live.all(),
    isAllowed: hub => allowlist.get(hub) !== undefined,
    isWitness,
    log: openLog,
    found,
    nowMs,
    logger: log
  })
  const node = keys.delegation.statement.node
  const witnessing = new Witnessing({
    cosigner: async () => {
      const signer = isPassing ? undefined : await signers.of('witness')
      return signer && { name: witnessName(keys.hubId, node), key: signer.secretKey.key }
    },
    logs,
    allowed: hub => {
      const entry = allowlist.get(hub)
      return entry === undefined || allowlist.isOver(entry) ? undefined : entry
    },
    quarantine: hub => known.quarantine(hub),
    cosigned: (hub, head) => void heads.tell(hub, head),
    found,
    now: () => ({ ms: nowMs(), s: rights.seconds() })
  })
  const gathering = await Gathering.open({
    log: openLog,
    logKey: async () => {
      const path = folder && logPaths(join(folder.folder, 'audit')).delegation
      if (path === undefined || !existsSync(path)) return undefined
      const text = await readBoundedFile(path, { maxBytes: MAX_DELEGATION_BYTES })
      return { key: readLogDelegation(text, keys.hubId), delegation: text.trimEnd() }
    },
    level: () => store.level,
    links: () => links.live.all(),
    isWitness,
    bookOf: hub => known.book(hub),
    nowMs,
    logger: log
  })
  const words = {
    witness: (asked: Parameters<Witnessing['answer']>[0], link: LiveLink) => witnessing.answer(asked, link),
    head: heads.heard,
    equivocation: equivocations.heard
  }
  links.over.serve({
    ...recordingWrongWords(words, (actor, outcome, ids) => audit.refused(actor, outcome, ids)),
    log_proof: heads.grown
  })
  started.defer(
    links.live.onChange(({ hub, link, end }) => {
      if (end !== undefined) return
      gathering.up(hub)
      void equivocations.up(link)
      if (!isPassing && allowlist.get(hub)?.treaty.witness === true) prepare(base, signers)
    })
  )
  started.defer(
    allowlist.onChange(({ hub }) => {
      if (!isPassing && allowlist.get(hub)?.treaty.witness === true) prepare(base, signers)
    })
  )
  const timer = setInterval(() => gathering.tick(), TICK_MS).unref()
  started.defer(() => clearInterval(timer))
  metrics.gauge('witnessed_logs', 'Logs of other hubs that this one has seen.', () => logs.size)
  metrics.gauge('audit_cosignatures', 'Hubs that cosigned the newest checkpoint that has any.', () => {
    return gathering.newest?.cosigned.length ?? 0
  })
  metrics.counter(
    'checkpoints_cosigned_total',
    'Checkpoints of other hubs cosigned here.',
    () => witnessing.cosigned
  )
  metrics.counter(
    'log_growth_unproved_total',
    'Logs that did not prove how they grew between two heads.',
    () => heads.unproved
  )
  metrics.counter('proofs_refused_total', 'What was told as proof against a hub and is none.', () => {
    return equivocations.refused
  })
  metrics.counter('accusations_total', 'Proofs that this hub said two things, which other hubs told.', () => {
    return equivocations.accused
  })
  return {
    standing: () =>
      accusations.count === 0 ? {} : { accusations: accusations.count, accused_at: accusations.newestAt },
    admin: witnessAdmin({ gathering, equivocations, logs, record: event => audit.append(event) }),
    equivocations,
    cosignedAt: size => (gathering.newest?.size === size ? gathering.newest.note : undefined)
  }
}

/** The key of a witness is there, and told to linked hubs, before the first checkpoint comes. */
function prepare({ log }: NodeBase, signers: Pick<NodeSigners, 'of'>): void {
  signers.of('witness').catch((err: unknown) => {
    log.warn({ event: 'NoWitnessKey', err }, 'no key of a witness could be made')
  })
}
