import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  SEAL_FILE,
  SIGNATURE_FILE,
  SNAPSHOT_FILE,
  SNAPSHOT_REFUSALS,
  SNAPSHOT_TAG,
  authorityRefusal,
  emptyBook,
  formatPackage,
  heldOf,
  openSnapshot,
  parsePackage,
  parseSeal,
  sealOf,
  sealedItem,
  succeeding,
  timeRefusal
} from '../../../federation/index.ts'
import type { Files, HeldSnapshot, Judged, OpenedSnapshot } from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS, LINKS_TOKENS } from './dictionary.ts'
import { unless } from './refusals.ts'

const path = new URL('../../../specs/vectors/federation-snapshots.json', import.meta.url)
const VECTORS = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly hub: string
  readonly now: number
  readonly seals: readonly { readonly text: string }[]
  readonly packages: readonly {
    readonly package: string
    readonly held: HeldSnapshot | null
    readonly refusal: string | null
  }[]
}
const MAX_BYTES = 4096
/** Out of the folder, hidden, or what another system writes otherwise. */
const ELSEWHERE = /(^|\/)(\.|\/|$)|[^\w./-]/
const NAMES: readonly string[] = SNAPSHOT_REFUSALS
const HELD = VECTORS.packages.flatMap(({ held }) => held ?? [])
/** Lines of snapshots that the hub did sign. */
const SIGNED = new Set(
  VECTORS.packages.flatMap(one => {
    const read = parsePackage(Buffer.from(one.package))
    return 'value' in read ? [Buffer.from(read.value.get(SNAPSHOT_FILE) ?? []).toString()] : []
  })
)
/** The seal is judged elsewhere: what lies behind it is reached by inputs that nobody sealed. */
const anySeal = (): boolean => true

function refusedByName<T>(judged: Judged<T>): T | undefined {
  if ('value' in judged) return judged.value
  assert.ok(NAMES.includes(judged.why), judged.why)
  return undefined
}

function checkSeal(input: Uint8Array): void {
  const seal = refusedByName(parseSeal(input))
  if (seal === undefined) return
  assert.equal(seal.count, seal.items.length)
  for (const item of seal.items) assert.doesNotMatch(item.path, ELSEWHERE)
  const at = Date.parse(seal.generated_at_utc) / 1000
  const again = unless(() => sealOf(seal.type, at, seal.items), RangeError)
  if (again !== undefined && again.seal.generated_at_utc === seal.generated_at_utc)
    assert.equal(again.text, Buffer.from(input).toString(), 'two texts of one seal')
}

function checkOpened({ snapshot, sha256, seal, records }: OpenedSnapshot, files: Files): void {
  const { statement } = snapshot
  const listed = seal.items.map(item => item.path)
  assert.deepEqual([...files.keys()].sort(), [...listed, SEAL_FILE, SIGNATURE_FILE].sort(), 'an extra file')
  assert.deepEqual(
    Object.keys(statement.manifests).sort(),
    listed.filter(one => one !== SNAPSHOT_FILE)
  )
  const refusal = authorityRefusal({ snapshot, records }, emptyBook(VECTORS.hub), VECTORS.now)
  if (refusal === undefined)
    assert.ok(SIGNED.has(Buffer.from(files.get(SNAPSHOT_FILE)!).toString()), 'a snapshot that nobody signed')
  timeRefusal(statement, VECTORS.now)
  const next = { statement, sha256 }
  assert.equal(succeeding(next, heldOf(next)).verdict, 'known')
  for (const held of HELD) {
    const { verdict } = succeeding(next, held)
    if (statement.seq < held.seq) assert.equal(verdict, 'refused', 'rolled back')
  }
}

/** The same files under a seal that fits them; undefined where no seal can list them. */
function sealedAnew(files: Files): Files | undefined {
  const line = Buffer.from(files.get(SNAPSHOT_FILE) ?? []).toString()
  const created = unless(() => JSON.parse(line) as { statement?: { created?: unknown } } | null, SyntaxError)
    ?.statement?.created
  if (typeof created !== 'number' || !(created > 0 && created < 8_640_000_000_000)) return undefined
  const items = [...files].filter(([name]) => name !== SEAL_FILE && name !== SIGNATURE_FILE)
  if (!Number.isInteger(created) || items.length === 0) return undefined
  const sealed = unless(
    () =>
      sealOf(
        SNAPSHOT_TAG,
        created,
        items.map(([name, bytes]) => sealedItem(name, bytes))
      ),
    RangeError
  )
  return (
    sealed && new Map([...items, [SEAL_FILE, Buffer.from(sealed.text)], [SIGNATURE_FILE, Buffer.from('x')]])
  )
}

function checkPackage(input: Uint8Array): void {
  const files = refusedByName(parsePackage(input))
  if (files === undefined) return
  assert.ok(Buffer.from(formatPackage(files)).equals(input), 'two texts of one package')
  for (const name of files.keys()) assert.doesNotMatch(name, ELSEWHERE)
  for (const folder of [files, sealedAnew(files)]) {
    if (folder === undefined) continue
    const opened = refusedByName(openSnapshot(folder, anySeal))
    if (opened !== undefined) checkOpened(opened, folder)
  }
}

export const snapshots: Target = {
  name: 'snapshots',
  about:
    'seals and packages of snapshots: one text each, refused by name, no path out of the folder, no file that is not listed',
  maxBytes: MAX_BYTES,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [
    ...JSON_TOKENS,
    ...LINKS_TOKENS,
    ...[
      '"../',
      '"a/b":"',
      '"sha256.json":"',
      '"snapshot.json":"',
      '"keys.ndjson":"',
      '"type":"omnigate/sealed/1"',
      '"count":1',
      '"manifests":{}',
      '"heads":{',
      '"prev":{"seq":0,"sha256":"',
      '"policy_version":0'
    ].map(text => Buffer.from(text))
  ],
  seeds: () =>
    [...VECTORS.seals.map(({ text }) => text), ...VECTORS.packages.map(one => one.package)]
      .map(text => Buffer.from(text))
      .filter(({ length }) => length <= MAX_BYTES),
  run(input) {
    checkSeal(input)
    checkPackage(input)
  }
}
