import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

const BATCHES = { gte: '!mailbox!b', lt: '!mailbox!c' }
const SEAL_BYTES = 5

export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Which batch of a mailbox brought which message: the row of each tells the last id so far, and ids ascend. */
export class KnownBatches {
  readonly #lastIds = new Map<number, string>()

  /** Adds those whose rows are in the store of a node that was killed; reads a copy, since opening a store changes it. */
  async read(store: string): Promise<void> {
    const copy = await mkdtemp(join(tmpdir(), 'omnigate-batches-'))
    try {
      await cp(store, copy, { recursive: true })
      const level = new ClassicLevel<string, Buffer>(copy, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
      await level.open()
      for (const [key, value] of await level.iterator(BATCHES).all()) {
        const { id } = JSON.parse(value.subarray(SEAL_BYTES).toString()) as { readonly id?: string }
        this.add(Number.parseInt(key.slice(BATCHES.gte.length), 16), id)
      }
      await level.close()
    } finally {
      await rm(copy, { recursive: true })
    }
  }

  add(batch: number, lastId = ''): void {
    this.#lastIds.set(batch, lastId)
  }

  /** Undefined where the rows do not tell. */
  of(id: string): number | undefined {
    const batch = Math.min(...[...this.#lastIds].filter(([, last]) => last >= id).map(([number]) => number))
    const before = batch === 1 ? '' : this.#lastIds.get(batch - 1)
    return before !== undefined && before < id ? batch : undefined
  }
}

/** The batches that a node names in its log as missing. */
export const namedInLog = (log: string): readonly Stretch[] =>
  log
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}') && line.includes('"MailboxBatchesMissing"'))
    .map(line => JSON.parse(line) as Stretch)

/** What `mailbox fsck --json` names: the missing batches, and whether there is damage whose batches nobody can know. */
export function namedByFsck(json: string): {
  readonly missing: readonly Stretch[]
  readonly hasDamage: boolean
} {
  const { problems } = JSON.parse(json) as { problems: readonly { kind: string; subject: string }[] }
  const missing = problems.flatMap(({ kind, subject }) => {
    const [, from, to = from] = /^batch(?:es)? (\d+)(?: to (\d+))?$/.exec(subject) ?? []
    return kind === 'missing_batches' && from !== undefined ? [{ from: Number(from), to: Number(to) }] : []
  })
  return { missing, hasDamage: problems.some(({ kind }) => kind !== 'missing_batches') }
}

/** Of the lost messages those that are in no batch that was named. */
export function unnamed(
  lost: readonly string[],
  batches: KnownBatches,
  named: readonly Stretch[]
): readonly string[] {
  return lost.filter(id => {
    const batch = batches.of(id)
    return batch === undefined || !named.some(({ from, to }) => from <= batch && batch <= to)
  })
}
