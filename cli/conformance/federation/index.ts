import type { Conversation, Need } from '../vectors.ts'
import { deliverCases } from './deliver-cases.ts'
import { exchangeCases } from './exchange-cases.ts'
import type { FederationCase } from './federation-case.ts'
import { GRANT_CASES, goneCases, outCases, shareCases, tokenCases } from './grant-cases.ts'
import type { OpenShare } from './grant-cases.ts'
import { HELLO_CASES } from './hello-cases.ts'
import { KEY_CASES, LAST_CASES, SPLIT_CASES } from './key-cases.ts'
import { LINK_CASES } from './link-cases.ts'
import { pairCases, voidCases } from './pair-cases.ts'
import { CLOSED_CASES, PROOF_CASES } from './proof-cases.ts'
import { FLOOD_CASES, pullCases, unsharedCases } from './pull-cases.ts'
import { HIDDEN_CASES, SHARED_CASES } from './shared-cases.ts'
import { SNAPSHOT_CASES } from './snapshot-cases.ts'
import type { Parties } from './talk.ts'
import { UNWITNESSED_CASES, WITNESS_CASES, WORD_CASES } from './witness-cases.ts'

export { runnerHub } from './keys.ts'
export type { RunnerHub } from './keys.ts'
export { GONE } from './grant-cases.ts'
export type { OpenShare } from './grant-cases.ts'
export { inviteKey } from './pair-cases.ts'
export { homeAnswers } from './home-answers.ts'
export { probeFederation } from './probe.ts'
export type { Federation } from './probe.ts'
export { runnerOf } from './runner.ts'
export type { Runner } from './runner.ts'
export type { Parties } from './talk.ts'

/** With what the cases are played. */
export interface FederationPlay {
  readonly parties?: Parties | undefined
  readonly token?: Uint8Array | undefined
  readonly share?: OpenShare | undefined
  /** K of an invite that is open at the node. */
  readonly invite?: Buffer | undefined
}

const LINKED: readonly Need[] = ['federation', 'hub']
const NOTHING: OpenShare = { id: '', prefix: '' }

/**
 * How a node proves itself to other hubs, and judges them and their calls: specs/federation-handshake.md and
 * federation-links.md. A case that lacks something to be played with has no steps, and is there to be left out by name.
 */
export function federationCases({ parties, token, share, invite }: FederationPlay = {}): Conversation[] {
  const made = (list: readonly FederationCase[], needs: readonly Need[], isPlayable = true) =>
    list.map(({ id, about, slow_ms, steps }): Conversation => ({
      id,
      rule: '12.4',
      about,
      ...(slow_ms !== undefined && { slow_ms }),
      needs,
      bare: true,
      isOfFederation: true,
      steps: parties !== undefined && isPlayable ? steps(parties) : []
    }))
  const guarded: readonly Need[] = [...LINKED, 'guarded']
  const shared: readonly Need[] = [...guarded, 'share']
  const exchanging: readonly Need[] = [...shared, 'exchange']
  const key = invite ?? Buffer.alloc(0)
  const exchanges = exchangeCases(share ?? NOTHING)
  return [
    ...made([...HELLO_CASES, ...PROOF_CASES, ...HIDDEN_CASES], ['federation']),
    ...made(CLOSED_CASES, ['federation', 'no_invite']),
    ...made(pairCases(key), ['federation', 'invite'], invite !== undefined),
    ...made(voidCases(key), ['federation', 'invite', 'alone'], invite !== undefined),
    ...made([...LINK_CASES, ...SHARED_CASES, ...KEY_CASES, ...SNAPSHOT_CASES, ...WORD_CASES], LINKED),
    ...made(WITNESS_CASES, [...LINKED, 'witness']),
    ...made(UNWITNESSED_CASES, [...LINKED, 'no_witness']),
    ...made(GRANT_CASES, guarded),
    ...made(tokenCases(Buffer.from(token ?? [])), [...guarded, 'capability'], token !== undefined),
    ...made(shareCases(share ?? NOTHING), shared, share !== undefined),
    ...made(outCases(share?.out ?? NOTHING), [...shared, 'share_out'], share?.out !== undefined),
    ...made(goneCases(share?.gone ?? NOTHING), [...shared, 'share_gone'], share?.gone !== undefined),
    ...made(deliverCases(share ?? NOTHING), shared, share !== undefined),
    ...made(unsharedCases(share ?? NOTHING), shared, share !== undefined),
    ...made(pullCases(share?.both ?? NOTHING), [...shared, 'share_both'], share?.both !== undefined),
    ...made(FLOOD_CASES, LINKED),
    ...made(exchanges.silent, [...exchanging, 'silent'], share !== undefined),
    ...made(exchanges.out, [...exchanging, 'share_out'], share?.out !== undefined),
    ...made(exchanges.gone, [...exchanging, 'share_gone'], share?.gone !== undefined),
    ...made(exchanges.usual, exchanging, share !== undefined),
    ...made(SPLIT_CASES, [...guarded, 'alone']),
    ...made(LAST_CASES, LINKED)
  ]
}
