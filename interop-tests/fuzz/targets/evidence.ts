import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { parseNote, parseVerifierKey } from 'omnigate'
import {
  NoteError,
  equivocationLine,
  formatCheckpoint,
  formatCosigningKey,
  formatVerifierKey,
  formatWitnessRequest,
  judgeEquivocation,
  noteKey,
  openCheckpoint,
  openNote,
  parseCheckpoint,
  parseCosigningKey,
  parseEquivocation,
  parseWitnessRequest,
  publicBytes,
  readLogDelegation,
  signCheckpoint
} from '../../../federation/index.ts'
import { formatExportProof, parseExportProof } from '../../../node/audit/audit-export.ts'
import { encodeEntry, parseEntry } from '../../../node/audit/entry.ts'
import { parseTilePath, tilePath, bundlePath } from '../../../node/audit/tile.ts'
import {
  formatKeyDelegation,
  keyDelegationProblem,
  parseKeyDelegation
} from '../../../node/capabilities/key-delegation.ts'
import {
  EMPTY_LIST,
  formatRevocation,
  parseRevocation,
  revocationProblem,
  signRevocation
} from '../../../node/capabilities/revocation-statement.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { EVIDENCE_TOKENS, JSON_TOKENS } from './dictionary.ts'
import {
  DELEGATION_LINE,
  LOG_VERIFIER_KEY,
  PROVED_LINES,
  REVOCATION_SEED,
  evidenceSeeds
} from './evidence-seeds.ts'
import { checkProofs } from './proofs.ts'

const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const signer = createPrivateKey({
  key: Buffer.concat([PKCS8_HEAD, Buffer.from(REVOCATION_SEED, 'hex')]),
  format: 'der',
  type: 'pkcs8'
})
const delegation = parseKeyDelegation(`${DELEGATION_LINE}\n`)
const logKey = parseVerifierKey(LOG_VERIFIER_KEY)

/** All that prove anything: nobody who fuzzes has a key to make another. */
const PROVED = new Set(PROVED_LINES)

/** What `read` gives; undefined where it throws an error of `kind`. Any other error passes. */
function unless<T>(kind: new (...args: never[]) => Error, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}

function checkRevocation(text: string): void {
  const signed = unless(SyntaxError, () => parseRevocation(text))
  if (signed === undefined) return
  assert.equal(formatRevocation(signed), text, 'two lines of one statement')
  const { statement } = signed
  const problem = revocationProblem(signed, EMPTY_LIST, delegation)
  const again = signRevocation(signer, statement)
  if (problem === undefined) assert.deepEqual(again.signature, Buffer.from(signed.signature), 'forged')
  const { hub, key, epoch, not_before, not_after } = delegation.statement
  const isNext =
    statement.hub === hub &&
    statement.key === key &&
    statement.epoch === epoch &&
    statement.at >= not_before &&
    statement.at <= not_after &&
    statement.seq === 1 &&
    statement.prev === EMPTY_LIST.digest
  assert.equal(revocationProblem(again, EMPTY_LIST, delegation) === undefined, isNext, 'the rules are others')
}

function checkDelegations(text: string): void {
  for (const each of [text, `${text}\n`]) {
    const read = unless(SyntaxError, () => parseKeyDelegation(each))
    if (read !== undefined) {
      assert.equal(formatKeyDelegation(read), each, 'two forms of one delegation')
      keyDelegationProblem(read)
    }
    unless(SyntaxError, () => readLogDelegation(each, delegation.statement.hub))
    const proof = unless(SyntaxError, () => parseExportProof(each))
    if (proof !== undefined) assert.equal(formatExportProof(proof), each, 'two forms of one proof')
  }
}

function checkNotes(text: string): void {
  const note = unless(NoteError, () => parseNote(text))
  if (note !== undefined) assert.ok(text.startsWith(`${note.text}\n`), 'a note has another text')
  unless(NoteError, () => openNote(text, [logKey]))
  unless(NoteError, () => openCheckpoint(text, logKey))
  const key = unless(NoteError, () => parseVerifierKey(text))
  if (key !== undefined) assert.equal(formatVerifierKey(key), text, 'two forms of one verifier key')
  const checkpoint = unless(NoteError, () => parseCheckpoint(text))
  if (checkpoint === undefined) return
  assert.ok(text.startsWith(formatCheckpoint(checkpoint)), 'a checkpoint has two forms')
  const signed = unless(NoteError, () => signCheckpoint(checkpoint, signer))
  if (signed === undefined) return
  const ours = noteKey(checkpoint.origin, publicBytes(signer))
  assert.deepEqual(openCheckpoint(signed, ours), checkpoint, 'what is signed is opened as another')
}

function checkWitnessed(text: string): void {
  const request = unless(NoteError, () => parseWitnessRequest(Buffer.from(text)))
  if (request !== undefined) assert.equal(formatWitnessRequest(request), text, 'two forms of one request')
  const key = unless(NoteError, () => parseCosigningKey(text))
  if (key !== undefined) assert.equal(formatCosigningKey(key), text, 'two forms of one key')
  const proof = unless(SyntaxError, () => parseEquivocation(text))
  if (proof !== undefined) assert.equal(equivocationLine(proof), text, 'two forms of one proof')
  const verdict = judgeEquivocation(text)
  if (verdict.ok) assert.ok(PROVED.has(text), 'a forged proof')
}

function checkEntry(input: Uint8Array): void {
  const entry = unless(SyntaxError, () => parseEntry(input))
  if (entry === undefined) return
  const again = encodeEntry(entry, entry)
  assert.deepEqual(Buffer.from(again.line), Buffer.from(input), 'two lines of one entry')
  assert.equal(again.hash, entry.hash)
}

function checkPath(text: string): void {
  const tile = parseTilePath(text)
  if (tile === undefined) return
  assert.equal(tile.level < 0 ? bundlePath(tile) : tilePath(tile), text, 'two paths of one tile')
}

function run(input: Uint8Array): void {
  const text = Buffer.from(input).toString('utf8')
  checkRevocation(text)
  checkDelegations(text)
  checkNotes(text)
  checkWitnessed(text)
  checkEntry(input)
  checkPath(text)
  checkProofs(input)
}

export const evidence: Target = {
  name: 'evidence',
  about:
    'revocations, delegations, entries, notes, checkpoints, proofs: one form each, typed refusals, no forgery',
  maxBytes: 2048,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [...JSON_TOKENS, ...EVIDENCE_TOKENS],
  seeds: evidenceSeeds,
  run
}
