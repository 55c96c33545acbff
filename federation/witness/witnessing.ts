import {
  type Checkpoint,
  NoteError,
  isConsistent,
  isSameHash,
  openCheckpoint,
  parseNote,
  readLogDelegation
} from '../log/index.ts'
import { WITNESS } from './numbers.ts'
import { type Equivocation, checkpointsProof, consistencyProofOf } from './equivocation.ts'
import type { WitnessRequest } from './request.ts'

/** A head that a witness has seen: what it remembers of it is enough to show that another contradicts it. */
export interface SeenHead {
  readonly size: number
  /** In hex. */
  readonly root: string
  /** With the log's own signature alone. */
  readonly note: string
  /** The text of the delegation of the key that signed it, without a line feed. */
  readonly delegation: string
}

/** The heads of one log that were seen, in ascending order of their sizes; the newest is the one to go on from. */
export type SeenLog = readonly SeenHead[]

/** Why a witness does not cosign. @see specs/federation-witness.md, section 4 */
export type WitnessRefusal = 'delegation' | 'signature' | 'full' | 'consistency'

export type WitnessVerdict =
  /** The log goes on from all that was seen: remember `seen`, then cosign `text`. */
  | { readonly verdict: 'cosign'; readonly origin: string; readonly text: string; readonly seen: SeenLog }
  /** The witness has seen the log at `size`, and the request does not begin there. */
  | { readonly verdict: 'known'; readonly size: number }
  /** The hub has signed two heads of which one is false. */
  | { readonly verdict: 'equivocation'; readonly proof: Equivocation }
  | { readonly verdict: 'refused'; readonly why: WitnessRefusal; readonly detail: string }

/** A request with what travels beside it, and who asks. */
export interface WitnessAsked {
  /** Whose link it came over. */
  readonly hub: string
  readonly request: WitnessRequest
  /** What the log says its tree of `old` entries had as root; 32 bytes. */
  readonly oldRoot: Uint8Array
  /** The text of the delegation of the log's key, without a line feed. */
  readonly delegation: string
}

/** What the witness remembers. */
export interface WitnessMemory {
  /** Undefined where the log was never seen. */
  readonly seenOf: (origin: string) => SeenLog | undefined
  /** Whether there is room for one more log of this hub. */
  readonly hasRoom: boolean
}

/** A head whose signature fits, and who stands behind it. */
export interface OpenedHead {
  readonly checkpoint: Checkpoint
  readonly head: SeenHead
}

/**
 * The head in a note that a log of the hub signed.
 * @throws SyntaxError for a delegation that is not the hub's word for a log's key. NoteError for all else.
 */
export function openHead(note: string, delegation: string, hub: string): OpenedHead {
  if (delegation.length > WITNESS.delegationBytes) throw new SyntaxError('the delegation is too long')
  if (Buffer.byteLength(note) > WITNESS.noteBytes) throw new NoteError('the note is too long')
  const key = readLogDelegation(`${delegation}\n`, hub)
  const checkpoint = openCheckpoint(note, key)
  const root = Buffer.from(checkpoint.root).toString('hex')
  const own = ownNote(note, key)
  if (Buffer.byteLength(own) > WITNESS.headBytes) throw new NoteError('the checkpoint is too long')
  return { checkpoint, head: { size: checkpoint.size, root, note: own, delegation } }
}

/** What a witness does with a request. The same request and memory give the same answer. */
export function judgeWitnessing(
  { hub, request, oldRoot, delegation }: WitnessAsked,
  { seenOf, hasRoom }: WitnessMemory
): WitnessVerdict {
  const opened = opening(() => openHead(request.note, delegation, hub))
  if ('why' in opened) return opened
  const { checkpoint, head } = opened
  const { origin } = checkpoint
  const { text } = parseNote(head.note)
  const seen = seenOf(origin)
  const newest = seen?.at(-1)
  if (seen === undefined || newest === undefined) {
    if (!hasRoom) return refused('full', `there is room for ${WITNESS.logsOfHub} logs of one hub`)
    return { verdict: 'cosign', origin, text, seen: [head] }
  }
  const contradiction = contradicts(hub, seen, head)
  if (contradiction !== undefined) return { verdict: 'equivocation', proof: contradiction }
  if (head.size === newest.size) return { verdict: 'cosign', origin, text, seen }
  if (head.size < newest.size || request.old !== newest.size) return { verdict: 'known', size: newest.size }
  const leads = isConsistent(
    { from: request.old, fromRoot: oldRoot, to: head.size, toRoot: checkpoint.root },
    request.hashes
  )
  if (!leads) return refused('consistency', 'the hashes do not lead to the root of the checkpoint')
  if (!isSameHash(oldRoot, Buffer.from(newest.root, 'hex'))) {
    const proof = consistencyProofOf(hub, [newest, head], { oldRoot, hashes: request.hashes })
    return { verdict: 'equivocation', proof }
  }
  return { verdict: 'cosign', origin, text, seen: [...seen, head].slice(-WITNESS.heads) }
}

/** Equivocation that a head contradicts one of those that were seen: the same size, another root. */
export function contradicts(hub: string, seen: SeenLog, head: SeenHead): Equivocation | undefined {
  const other = seen.find(({ size }) => size === head.size)
  return other === undefined || other.root === head.root ? undefined : checkpointsProof(hub, [other, head])
}

/** What the growth between two heads that a hub signed shows, by what its log says of it. */
export type GrowthVerdict =
  | { readonly verdict: 'goes_on' }
  | { readonly verdict: 'equivocation'; readonly proof: Equivocation }
  /** The hashes lead nowhere, which proves nothing. */
  | { readonly verdict: 'unproved' }

/** Judges what a log says of how it grew from the smaller of two heads to the other one. */
export function judgeGrowth(
  hub: string,
  [first, second]: readonly [SeenHead, SeenHead],
  { oldRoot, hashes }: { readonly oldRoot: Uint8Array; readonly hashes: readonly Uint8Array[] }
): GrowthVerdict {
  const toRoot = Buffer.from(second.root, 'hex')
  if (!isConsistent({ from: first.size, fromRoot: oldRoot, to: second.size, toRoot }, hashes))
    return { verdict: 'unproved' }
  if (Buffer.from(oldRoot).toString('hex') === first.root) return { verdict: 'goes_on' }
  return {
    verdict: 'equivocation',
    proof: consistencyProofOf(hub, [first, second], { oldRoot, hashes })
  }
}

/** The note with the signature line of its log alone. */
function ownNote(note: string, { name, keyId }: { readonly name: string; readonly keyId: string }): string {
  const { text, signatures } = parseNote(note)
  const at = signatures.findIndex(one => one.name === name && one.keyId === keyId)
  const lines = note.slice(text.length + 1).split('\n')
  return `${text}\n${lines[at]!}\n`
}

function opening(
  open: () => OpenedHead
): OpenedHead | { readonly verdict: 'refused'; readonly why: WitnessRefusal; readonly detail: string } {
  try {
    return open()
  } catch (error) {
    if (error instanceof NoteError) return refused('signature', error.message)
    if (error instanceof SyntaxError) return refused('delegation', error.message)
    throw error
  }
}

const refused = (why: WitnessRefusal, detail: string) => ({ verdict: 'refused', why, detail }) as const
