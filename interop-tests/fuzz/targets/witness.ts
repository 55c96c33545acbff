import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  EQUIVOCATION_REFUSALS,
  NUMBERED,
  NoteError,
  SNAPSHOT_PLACE,
  WITNESS,
  cosignatures,
  equivocationLine,
  formatWitnessRequest,
  judgeEquivocation,
  judgeWitnessing,
  openHead,
  parseCosigningKey,
  parseWitnessRequest
} from '../../../federation/index.ts'
import type { SeenLog, WitnessMemory } from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS, LINKS_TOKENS } from './dictionary.ts'
import { unless } from './refusals.ts'

const path = new URL('../../../specs/vectors/federation-witness.json', import.meta.url)
const VECTORS = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly cosignatures: readonly { readonly text: string; readonly line: string; readonly vkey: string }[]
  readonly requests: readonly { readonly body: string; readonly accept: boolean }[]
  readonly witnessing: readonly {
    readonly hub: string
    readonly old_root: string
    readonly delegation: string
    readonly body: string
    readonly verdict: string
  }[]
  readonly proofs: readonly { readonly line: string; readonly verdict: string }[]
}
const MAX_BYTES = 4096
const KINDS = { numbers: NUMBERED, snapshots: SNAPSHOT_PLACE }
const NAMES: readonly string[] = EQUIVOCATION_REFUSALS
const PROVED = new Set(VECTORS.proofs.flatMap(({ line, verdict }) => (verdict === 'proved' ? [line] : [])))
const BODIES = [...VECTORS.requests, ...VECTORS.witnessing].map(({ body }) => body)
const COSIGNED = VECTORS.cosignatures.map(({ text, line }) => `${text}\n${line}`)
const COSIGNERS = VECTORS.cosignatures.map(({ vkey }) => parseCosigningKey(vkey))
const UNSIGNED = ['delegation', 'signature']
/** Texts of checkpoints that a log or a witness did sign. */
const HEADS = new Set([
  ...VECTORS.requests.filter(({ accept }) => accept).map(({ body }) => headIn(body)),
  ...VECTORS.witnessing.filter(({ verdict }) => !UNSIGNED.includes(verdict)).map(({ body }) => headIn(body)),
  ...COSIGNED.map(textOf)
])

/** What one witness remembers once it was asked all that the vectors have. */
const SEEN = new Map<string, SeenLog>()
const MEMORY: WitnessMemory = { seenOf: origin => SEEN.get(origin), hasRoom: true }
for (const { hub, old_root, delegation, body } of VECTORS.witnessing) {
  const asked = {
    hub,
    request: parseWitnessRequest(Buffer.from(body)),
    oldRoot: Buffer.from(old_root, 'hex'),
    delegation
  }
  const verdict = judgeWitnessing(asked, MEMORY)
  if (verdict.verdict === 'cosign') SEEN.set(verdict.origin, verdict.seen)
}
const ASKED = VECTORS.witnessing[0]!

function headIn(body: string): string {
  return textOf(body.slice(body.indexOf('\n\n') + 2))
}

function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1)
}

function checkRequest(input: Uint8Array): void {
  const request = unless(() => parseWitnessRequest(input), NoteError)
  if (request === undefined) return
  assert.equal(formatWitnessRequest(request), Buffer.from(input).toString(), 'two bodies of one request')
  assert.ok(request.hashes.length <= WITNESS.hashes && Number.isSafeInteger(request.old))
  const { hub, delegation, old_root } = ASKED
  const oldRoot = Buffer.from(old_root, 'hex')
  const verdict = judgeWitnessing({ hub, request, oldRoot, delegation }, MEMORY)
  if (verdict.verdict !== 'cosign') return
  assert.ok(HEADS.has(verdict.text), 'cosigns what no log signed')
  const [last, before] = [verdict.seen.at(-1)!, SEEN.get(verdict.origin)?.at(-1)]
  assert.ok(before === undefined || last.size >= before.size, 'cosigns what goes back')
}

function checkNote(text: string): void {
  const opened = unless(() => openHead(text, ASKED.delegation, ASKED.hub), NoteError)
  if (opened !== undefined) assert.ok(HEADS.has(textOf(opened.head.note)), 'forged')
  const found = unless(() => cosignatures(text, COSIGNERS), NoteError)
  if (found !== undefined && found.length > 0) assert.ok(HEADS.has(textOf(text)), 'forged')
}

function checkProof(line: string): void {
  const verdict = judgeEquivocation(line, KINDS)
  if (!verdict.ok) return assert.ok(NAMES.includes(verdict.why), verdict.why)
  assert.equal(equivocationLine(verdict.proof), line, 'two lines of one proof')
  assert.ok(PROVED.has(line), 'proof against who signed nothing of it')
}

export const witness: Target = {
  name: 'witness',
  about:
    'what logs ask of witnesses, heads with cosignatures, proofs that a hub lies: one form each, refused by name, nobody is convicted by what they did not sign',
  maxBytes: MAX_BYTES,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [
    ...JSON_TOKENS,
    ...LINKS_TOKENS,
    ...[
      'old 0\n\n',
      'old 9007199254740991\n',
      '\n\n\u2014 h1',
      '"kind":"numbers"',
      '"notes":["',
      '"lines":["',
      '"delegations":["',
      '"hashes":[]',
      '"old_root":"',
      '"v":1'
    ].map(text => Buffer.from(text))
  ],
  seeds: () =>
    [
      ...BODIES,
      ...COSIGNED,
      ...BODIES.map(body => body.slice(body.indexOf('\n\n') + 2)),
      ...VECTORS.proofs.map(({ line }) => line)
    ]
      .map(text => Buffer.from(text))
      .filter(({ length }) => length <= MAX_BYTES),
  run(input) {
    const text = Buffer.from(input).toString()
    checkRequest(input)
    checkNote(text)
    checkProof(text)
  }
}
