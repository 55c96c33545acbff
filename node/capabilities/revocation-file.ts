import { open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  canonicalJson,
  exactly,
  formed,
  forms,
  isSignedBy,
  signedBytes,
  verifyingKey,
  whole
} from '../../federation/index.ts'
import { readBoundedFile, replaceFile } from '../durable-file.ts'
import { SetupError, systemError } from '../setup-error.ts'
import { MAX_STATEMENTS } from './revocation-list.ts'
import type { ListFile, RevocationSigner } from './revocation-list.ts'
import {
  EMPTY_LIST,
  MAX_LINE_CHARS,
  REVOCATION_TAG,
  headOf,
  parseRevocation
} from './revocation-statement.ts'
import type { ListHead, SignedRevocation } from './revocation-statement.ts'

const MAX_HEAD_BYTES = 256
const HEAD = exactly({ digest: forms.hex32, seq: whole(0) })

export interface RevocationPaths {
  /** One statement a line; only ever longer. */
  readonly list: string
  /** How much of it has been answered for: written after the list, before the answer. */
  readonly head: string
}

export interface RevocationFile extends ListFile {
  readonly lines: readonly string[]
  /** Bytes of an unfinished line that a crash had left, and that are gone now. */
  readonly tornBytes: number
}

/** What the two files of an empty list hold. */
export const emptyFiles = (): { readonly list: string; readonly head: string } => ({
  list: '',
  head: formatHead(EMPTY_LIST)
})

const formatHead = (head: ListHead): string => `${canonicalJson(head)}\n`

/**
 * The list in its file. Each line holds the digest of the one before it, so the signature of the last covers all; the
 * head says how many have been answered for, so that none of those can be lost unseen. What a crash left of a line that
 * nobody was told of is cut off.
 * @throws SetupError `badInput` when a line was changed, taken out, added or cut off; names it.
 */
export async function openRevocationFile(
  paths: RevocationPaths,
  signer: RevocationSigner
): Promise<RevocationFile> {
  const answered = await readHead(paths)
  const bytes = await readList(paths.list)
  let end = bytes.lastIndexOf('\n') + 1
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1)
  const problem = listProblem(lines, answered, signer)
  if (problem !== undefined) throw damaged(paths.list, problem)
  const file: ListFile = {
    async append(text) {
      await writeAt(paths.list, end, text)
      end += Buffer.byteLength(text)
    },
    settle: head => replaceFile(paths.head, formatHead(head))
  }
  if (end < bytes.length) await writeAt(paths.list, end, '')
  if (lines.length > answered.seq) await file.settle(headOf(lines.length, lines.at(-1)!))
  return { ...file, lines, tornBytes: bytes.length - end }
}

async function readHead({ head: path }: RevocationPaths): Promise<ListHead> {
  const text = await readBoundedFile(path, { maxBytes: MAX_HEAD_BYTES })
  try {
    const head = formed(HEAD, JSON.parse(text))
    if (formatHead(head) === text) return head
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw damaged(path, 'not the head of a list')
}

async function readList(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path)
    if (size <= MAX_STATEMENTS * MAX_LINE_CHARS) return await readFile(path)
  } catch (error) {
    throw systemError(path, error)
  }
  throw damaged(path, 'larger than a list can be')
}

/** What is wrong with the lines of a list; undefined when they are whole and hold all that was answered for. */
export function listProblem(
  lines: readonly string[],
  answered: ListHead,
  signer: RevocationSigner
): string | undefined {
  if (lines.length < answered.seq)
    return `holds ${lines.length} statements, but ${answered.seq} have been answered for`
  let head = EMPTY_LIST
  let last: SignedRevocation | undefined
  let epoch = 1
  for (const line of lines) {
    const seq = head.seq + 1
    const read = lineProblem(line, head, signer, epoch)
    if (typeof read === 'string') return `statement ${seq}: ${read}`
    last = read
    epoch = read.statement.epoch
    head = headOf(seq, line)
    if (seq === answered.seq && head.digest !== answered.digest)
      return `statement ${seq}: not the one that was answered for`
  }
  return last === undefined || isSigned(last)
    ? undefined
    : `statement ${head.seq}: its signature does not fit`
}

function lineProblem(
  line: string,
  before: ListHead,
  signer: RevocationSigner,
  least: number
): SignedRevocation | string {
  try {
    const signed = parseRevocation(line)
    const { statement } = signed
    if (statement.hub !== signer.hub) return 'made by another hub'
    if (statement.key !== keyOf(signer, statement.epoch)) return 'signed by another key'
    if (statement.epoch < least) return 'signed by a key that had been replaced'
    if (statement.seq !== before.seq + 1) return `numbered ${statement.seq}`
    if (statement.prev !== before.digest) return 'follows another one than stands before it'
    return signed
  } catch (error) {
    if (error instanceof SyntaxError) return `damaged (${error.message})`
    throw error
  }
}

/** The public key of an epoch; undefined for one that never was. */
const keyOf = ({ epoch, publicKey, earlier = [] }: RevocationSigner, of: number): string | undefined =>
  of === epoch ? publicKey : earlier[of - 1]

const isSigned = ({ statement, signature }: SignedRevocation): boolean =>
  isSignedBy(
    verifyingKey(Buffer.from(statement.key, 'hex')),
    signedBytes(REVOCATION_TAG, statement),
    signature
  )

const damaged = (path: string, problem: string): SetupError =>
  new SetupError(
    'badInput',
    `${path}: ${problem}; restore it from a backup, or move ${dirname(path)} away: root keys are then made anew, and no token of today is good under them`
  )

/** Whatever stood behind `position` is replaced: what an earlier write that failed may have left, too. */
async function writeAt(path: string, position: number, text: string): Promise<void> {
  try {
    await using file = await open(path, 'r+')
    const bytes = Buffer.from(text)
    await file.truncate(position)
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
      at += bytesWritten
    }
    await file.sync()
  } catch (error) {
    throw systemError(path, error)
  }
}
