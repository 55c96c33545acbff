import {
  type DelegationBook,
  type HeldSnapshot,
  type OpenedSnapshot,
  SNAPSHOT_TAG,
  type SnapshotRefusal,
  authorityRefusal,
  emptyBook,
  heldOf,
  hubId,
  hubPublicKey,
  openSnapshot,
  succeeding,
  timeRefusal
} from '../../federation/index.ts'
import type { Judged } from '../../federation/index.ts'
import type { HubFile } from '../identity/index.ts'
import { MinisignError, keyIdText, parsePublicKey, signatureKeyId, verifyFileBy } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import { snapshotFiles, wholeFolder } from './sealed-folder.ts'

/** Whom a person who verifies trusts. */
export interface SealTrust {
  /** A hub id, or a minisign public key: its line, or the text of its file. */
  readonly key: string
  /** What that hub has published of its keys: later revocations, and the hub ids of before. */
  readonly hubFile?: HubFile | undefined
  /** When it is verified, in Unix seconds. */
  readonly nowS: number
}

/** What a sealed folder proved; a refusal where it did not. */
export interface SealVerdict {
  readonly ok: boolean
  readonly refusal?: SnapshotRefusal
  /** What the refusal is about, for people. */
  readonly about?: string
  readonly type?: string
  readonly generated_at_utc?: string
  readonly root?: string
  readonly count?: number
  readonly bytes?: number
  /** As minisign prints it. */
  readonly key_id?: string
  readonly trusted_comment?: string
  /** Of a snapshot. */
  readonly hub?: string
  readonly node?: string
  readonly seq?: number
  readonly sha256?: string
  /** Unix seconds. */
  readonly created?: number
  readonly expires?: number
}

/** A folder that is whole and the word of who is trusted; of a snapshot, which one. */
export interface ProvedSeal {
  readonly verdict: SealVerdict
  readonly opened: OpenedSnapshot | undefined
}

/** Whether a sealed folder is whole, and by whose word. It needs no network; time is not judged. @throws SetupError */
export async function verifySeal(folder: string, trust: SealTrust): Promise<SealVerdict> {
  const proved = await proveSeal(folder, trust)
  return 'why' in proved ? no(proved) : proved.value.verdict
}

export interface SnapshotTrust extends SealTrust {
  /** The folder of an earlier snapshot of that hub, from which this one must go on. */
  readonly after?: string | undefined
}

/** The same of a snapshot, and whether it holds at the time and goes on from an earlier one. @throws SetupError */
export async function verifySnapshot(folder: string, trust: SnapshotTrust): Promise<SealVerdict> {
  const proved = await proveSnapshot(folder, trust)
  if ('why' in proved) return no(proved)
  const { opened, verdict } = proved.value
  const { statement } = opened.snapshot
  const late = timeRefusal(statement, trust.nowS)
  if (late !== undefined) return no(late)
  if (trust.after === undefined) return verdict
  const before = await proveSnapshot(trust.after, trust)
  if ('why' in before) return no({ why: before.why, about: `the earlier one: ${before.about}` })
  const found = succeeding({ statement, sha256: opened.sha256 }, heldSnapshot(before.value.opened))
  return found.verdict === 'refused' ? no(found.refusal) : verdict
}

/** What is kept of a snapshot that was proved. */
export const heldSnapshot = ({ snapshot, sha256 }: OpenedSnapshot): HeldSnapshot =>
  heldOf({ statement: snapshot.statement, sha256 })

/** Whether a key, in hex, signed a file as minisign does; whatever key id stands there. */
export function isSealedBy(key: string, content: Uint8Array, signature: string): boolean {
  try {
    verifyFileBy(Buffer.from(key, 'hex'), content, signature)
    return true
  } catch (error) {
    if (error instanceof MinisignError || error instanceof RangeError) return false
    throw error
  }
}

const no = ({ why, about }: { readonly why: SnapshotRefusal; readonly about: string }): SealVerdict => ({
  ok: false,
  refusal: why,
  about
})

async function proveSnapshot(
  folder: string,
  trust: SealTrust
): Promise<Judged<ProvedSeal & { readonly opened: OpenedSnapshot }>> {
  const proved = await proveSeal(folder, trust)
  if ('why' in proved) return proved
  const { opened, verdict } = proved.value
  return opened === undefined
    ? { why: 'malformed', about: `type: not ${SNAPSHOT_TAG}` }
    : { value: { verdict, opened } }
}

async function proveSeal(folder: string, trust: SealTrust): Promise<Judged<ProvedSeal>> {
  const whole = await wholeFolder(folder)
  if ('why' in whole) return whole
  const { seal, sealed, signature } = whole.value
  const isSnapshot = seal.type === SNAPSHOT_TAG
  const opened = isSnapshot ? await openedIn(folder) : undefined
  if (opened !== undefined && 'why' in opened) return opened
  const key = keyFor(trust, opened?.value)
  if ('why' in key) return key
  try {
    const trustedComment = verifyFileBy(key.value, sealed, signature)
    return {
      value: {
        opened: opened?.value,
        verdict: {
          ok: true,
          type: seal.type,
          generated_at_utc: seal.generated_at_utc,
          root: seal.root,
          count: seal.count,
          bytes: seal.items.reduce((sum, { bytes }) => sum + bytes, 0),
          key_id: keyIdText(signatureKeyId(signature)),
          trusted_comment: trustedComment,
          ...(opened && factsOf(opened.value))
        }
      }
    }
  } catch (error) {
    if (error instanceof MinisignError) return { why: 'signature', about: error.message }
    throw error
  }
}

async function openedIn(folder: string): Promise<Judged<OpenedSnapshot>> {
  const files = await snapshotFiles(folder)
  return 'why' in files ? files : openSnapshot(files.value, isSealedBy)
}

const factsOf = ({ snapshot: { statement }, sha256 }: OpenedSnapshot) => ({
  hub: statement.hub,
  node: statement.node,
  seq: statement.seq,
  sha256,
  created: statement.created,
  expires: statement.expires
})

/** The key that must have signed the seal: the one that is trusted, or the one of a snapshot that its hub vouches for. */
function keyFor(trust: SealTrust, opened: OpenedSnapshot | undefined): Judged<Uint8Array> {
  const given = trustedKey(trust.key.trim())
  const hub = hubId(given)
  if (opened === undefined) return { value: given }
  const { statement } = opened.snapshot
  const own = Buffer.from(statement.key, 'hex')
  if (own.equals(given)) {
    const refusal = authorityRefusal(opened, bookWith(emptyBook(statement.hub), trust.hubFile), trust.nowS)
    // Who trusts this key itself needs no hub to vouch for it; a hub that has taken it back is heard all the same.
    return refusal === undefined || refusal.why === 'key' ? { value: own } : refusal
  }
  if (!isHubOf(hub, statement.hub, trust.hubFile))
    return { why: 'hub', about: `the snapshot is of hub ${statement.hub}` }
  const refusal = authorityRefusal(opened, bookWith(emptyBook(statement.hub), trust.hubFile), trust.nowS)
  return refusal ?? { value: own }
}

/** Whether a snapshot of one hub id is one of another's: the same, or one that it went on from. */
const isHubOf = (trusted: string, hub: string, file: HubFile | undefined): boolean =>
  trusted === hub ||
  (file?.hub === trusted && file.successions.some(({ statement }) => statement.hub === hub))

/** What the published file of the hub says of its keys; each part of it has been verified. */
function bookWith(book: DelegationBook, file: HubFile | undefined): DelegationBook {
  if (file?.hub !== book.hub) return book
  return {
    ...book,
    delegations: file.delegations,
    revocations: file.revocations.map(revocation => ({ revocation, learnedAt: 0 }))
  }
}

/** @throws SetupError `badInput` */
function trustedKey(text: string): Uint8Array {
  const ofHub = hubPublicKey(text)
  if (ofHub !== undefined) return ofHub
  try {
    return parsePublicKey(text.includes('\n') ? `${text}\n` : text).publicKey
  } catch (error) {
    if (!(error instanceof MinisignError)) throw error
    throw new SetupError('badInput', `key: neither a hub id nor a minisign public key (${error.message})`)
  }
}
