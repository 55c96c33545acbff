import { flag, integer, list, oneOf, optional, text } from '../fields.ts'
import type { FieldValues } from '../fields.ts'
import { header, headerAndBody, json, record, subscription, unary } from '../service.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const seconds = integer(0, Number.MAX_SAFE_INTEGER)
const hub = text(54)
const addresses = list(text(512), 16)
const note = text(256)

const linkFields = {
  /** `up`, `connecting` or `down`. */
  link: text(16),
  /** Why it is not up; empty where it is. */
  why: text(256),
  /** Since when it is so, in Unix seconds; absent where it never was otherwise. */
  since: optional(seconds)
}

/** `quarantined`: the hub said two things of which one is false, and its calls are refused. */
const state = oneOf('allowed', 'expired', 'quarantined')

const peerFields = {
  hub,
  addresses,
  note,
  /** An entry of the configuration is changed there and nowhere else. */
  source: oneOf('store', 'config'),
  state,
  /** Why its link is in quarantine; absent where it is not. */
  quarantine: optional(text(256)),
  /** The hub id under which it goes on by its own word, which the operator has not confirmed. */
  successor: optional(hub),
  /** What is known of its keys. */
  delegations: count,
  revoked_keys: count,
  shares: count,
  /** Of its shared messages: how many are known of and not here, and how many were too old when they could be had. */
  lag: optional(count),
  gap: optional(count),
  /** When all was asked for that it has for this hub, in Unix seconds; absent where it never was since the start. */
  reconciled_at: optional(seconds),
  /** In how many places our treaty and what the hub grants us differ; absent while it is not known what it grants. */
  differs: optional(count),
  verbs: list(text(129), 256),
  /** Unix seconds; absent for a treaty without end. */
  expires: optional(seconds),
  /** Of the last change here, in Unix seconds; absent for an entry of the configuration. */
  changed_at: optional(seconds),
  ...linkFields
}

export type PeerRow = FieldValues<typeof peerFields>

/** What hub id the request is about. */
const ofHub = header({ hub })

/**
 * Rows of the admin service (0x0003) about the hubs that may federate with this one. A treaty travels as the JSON that
 * specs/federation-links.md, section 7, says.
 */
export const federationAdminOperations = {
  federation_status: unary({
    verb: 'admin:federation_status',
    request: header({}),
    answer: json({
      /** Hubs of a federation of another name are refused. */
      federation: text(63),
      hub,
      /** Where this node can be dialled. */
      addresses: list(text(512), 64),
      only_private_addresses: flag,
      allowed: count,
      expired: count,
      quarantined: count,
      up: count,
      /** Of a running node: the acceptance policy in force, and why its file as it is now does not hold. */
      policy_version: optional(count),
      policy_hash: optional(text(64)),
      policy_problem: optional(text(1024)),
      /** Of a running node: items in quarantine, and their bytes. */
      held_items: optional(count),
      held_bytes: optional(count),
      /** Of a running node: the newest snapshot of this hub, and of how many others one is kept. */
      snapshot_seq: optional(count),
      snapshot_created: optional(seconds),
      snapshot_hubs: optional(count),
      /** Of a running node: directed messages that wait for other hubs; absent where there are none. */
      outbox_messages: optional(count),
      /** Of a running node: proofs against this hub that other hubs told, and when the newest; absent where there are none. */
      accusations: optional(count),
      accused_at: optional(seconds)
    })
  }),
  peer_list: subscription({ verb: 'admin:peer_list', request: header({}), event: json(peerFields) }),
  peer_show: unary({ verb: 'admin:peer_show', request: ofHub, answer: json(peerFields) }),
  /** The body is the treaty; without one, the least that a link is good for. */
  peer_add: unary({
    verb: 'admin:peer_add',
    writes: true,
    request: headerAndBody({ hub, addresses, note: optional(note) }),
    answer: json(peerFields)
  }),
  /** What is missing stays as it is. */
  peer_edit: unary({
    verb: 'admin:peer_edit',
    writes: true,
    request: header({ hub, addresses: optional(addresses), note: optional(note) }),
    answer: json(peerFields)
  }),
  peer_remove: unary({
    verb: 'admin:peer_remove',
    writes: true,
    request: ofHub,
    answer: json(peerFields)
  }),
  /**
   * Takes what a hub key has signed about keys. The body is the file that specs/federation-links.md, section 15, says, of
   * a hub on the allowlist or of one that follows such a hub; `hub` is the hub id that it must be of.
   */
  peer_import: unary({
    verb: 'admin:peer_import',
    writes: true,
    request: headerAndBody({ hub: optional(hub) }),
    answer: json({
      hub,
      learned: count,
      known: count,
      /** `succession: taken`; at most 16 of them. */
      refused: list(text(128), 16),
      /** Hubs of which it is proof that they said two things. */
      equivocating: list(hub, 16),
      /** The hub on the allowlist that goes on as `hub`, which the operator has not confirmed. */
      follows: optional(hub)
    })
  }),
  /** Gives the place of a hub on the allowlist to `successor`, under which it goes on by its own word. */
  peer_succeed: unary({
    verb: 'admin:peer_succeed',
    writes: true,
    request: header({ successor: hub }),
    answer: json(peerFields)
  }),
  /** Ends the quarantine of a hub. */
  peer_release: unary({
    verb: 'admin:peer_release',
    writes: true,
    request: ofHub,
    answer: json(peerFields)
  }),
  /** The body is JSON: `treaty`, and where it is known what the other hub grants, `theirs` and `differences`. */
  treaty_show: unary({
    verb: 'admin:treaty_show',
    request: ofHub,
    answer: record({ hub, state, source: oneOf('store', 'config') })
  }),
  /** The body is the treaty that comes in the place of what there is. */
  treaty_edit: unary({
    verb: 'admin:treaty_edit',
    writes: true,
    request: headerAndBody({ hub }),
    answer: json(peerFields)
  }),
  /** Judges the treaty in the body and changes nothing. The body of the answer is JSON: `problems`, `differences`. */
  treaty_check: unary({
    verb: 'admin:treaty_check',
    request: headerAndBody({ hub: optional(hub) }),
    /** `knows_theirs`: whether it is known what the other hub grants. */
    answer: record({ ok: flag, knows_theirs: flag })
  })
}
