import {
  EMPTY_ROOT,
  NoteError,
  isSameHash,
  parseCheckpoint,
  parseNote,
  rootFromRange
} from '../../federation/index.ts'
import { PROOF_SUFFIX, type ExportProof, parseExportProof } from './audit-export.ts'
import { Chain } from './chain.ts'
import { walkLines } from './line-walk.ts'
import { readLines } from './lines.ts'
import { logKeyFor } from './log-key.ts'
import { type Witnessed, textOf, witnessed } from './seal-check.ts'
import { TreeEdge } from './tree-edge.ts'
import { type AuditVerdict, Finding } from './verdict.ts'
import { judgeEnd } from './verify-log.ts'

/** Verifies a file of exported lines against the proof beside it. */
export class ExportVerification {
  readonly #file: string
  #origin: string | undefined
  #first = 0
  #covered = 0
  readonly #leaves: Uint8Array[] = []

  constructor(file: string) {
    this.#file = file
  }

  /** How far it has come. */
  get progress(): Omit<AuditVerdict, 'ok' | 'problem'> {
    const origin = this.#origin
    const [first, entries, covered] = [this.#first, this.#leaves.length, this.#covered]
    return { first, entries, covered, ...(origin !== undefined && { origin }) }
  }

  /** @throws Finding for the first thing that is wrong. */
  async run(trusted: string, given: readonly string[]): Promise<void> {
    const proof = await this.#proof()
    const { from, to } = proof
    this.#origin = originOf(proof.checkpoint)
    const key = logKeyFor(trusted, this.#origin, proof.delegation === '' ? undefined : proof.delegation)
    const checkpoint = witnessed(proof.checkpoint, key, 'the checkpoint of the proof')
    const others = given.map(note => witnessed(note, key, 'the given checkpoint'))
    this.#first = from
    this.#covered = to
    const chain = new Chain(from)
    const { tailBytes } = await walkLines(readLines(this.#file), chain, {
      take: (_entry, leaf) => void this.#leaves.push(leaf),
      pause: async () => undefined,
      knownLeaf: async () => undefined
    })
    judgeEnd(chain.next, tailBytes, { ...checkpoint, size: to, from: 'the proof' })
    if (chain.next > to)
      throw new Finding('insert', `entry ${to}: behind the ${to - from} that the proof covers`, to)
    const range = { from, to, size: checkpoint.size }
    const root = rootFromRange(range, seq => this.#leaves[seq - from] ?? EMPTY_ROOT, proof.hashes)
    if (root === undefined || !isSameHash(root, checkpoint.root))
      throw new Finding(
        'fork',
        `entry ${from}: these are not the entries that the checkpoint of the proof covers`,
        from
      )
    for (const one of others) this.#compare(one, checkpoint)
  }

  #compare(given: Witnessed, checkpoint: Witnessed): void {
    if (given.size !== checkpoint.size && (this.#first > 0 || given.size > this.#covered))
      throw new Finding(
        'checkpoint',
        `${given.from}: of ${given.size} entries; this export can be compared with one of ${checkpoint.size} alone`
      )
    if (isSameHash(given.root, given.size === checkpoint.size ? checkpoint.root : this.#rootOf(given.size)))
      return
    throw new Finding('fork', `${given.from}: of ${given.size} entries of another history`, this.#first)
  }

  #rootOf(size: number): Uint8Array {
    const edge = new TreeEdge()
    for (const leaf of this.#leaves.slice(0, size)) edge.append(leaf)
    return edge.root()
  }

  async #proof(): Promise<ExportProof> {
    const text = await textOf(`${this.#file}${PROOF_SUFFIX}`)
    if (text === undefined)
      throw new Finding(
        'checkpoint',
        `${this.#file}${PROOF_SUFFIX}: missing; nothing says what the file must hold`
      )
    try {
      return parseExportProof(text)
    } catch (error) {
      const why = error instanceof SyntaxError ? error.message : 'damaged'
      throw new Finding('checkpoint', `${this.#file}${PROOF_SUFFIX}: ${why}`)
    }
  }
}

function originOf(note: string): string {
  try {
    return parseCheckpoint(parseNote(note).text).origin
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw new Finding('checkpoint', `the checkpoint of the proof: ${error.message}`)
  }
}
