import { keyDigest, keyPage, keyRecordLine } from '../../federation/index.ts'
import type {
  Delegation,
  KeyPage,
  KeyRecord,
  KeyRevocation,
  Role,
  Succession
} from '../../federation/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'

const MOST_REVOCATIONS = 256
const MOST_SUCCESSIONS = 64
const MOST_DELEGATIONS = 256

/** What a hub key has signed about keys, as the file of the hub has it. */
export interface OwnRecords {
  readonly delegations: readonly Delegation<Role>[]
  readonly revocations: readonly KeyRevocation[]
  readonly successions: readonly Succession[]
}

/** What this hub tells others of its keys. It is read from the folder of keys, which keeps it. */
export class OwnKeys {
  readonly #read: () => Promise<OwnRecords>
  /** What was read later is never replaced by what was read before. */
  readonly #turns = new InTurn()
  #lines: readonly string[] = []
  #digest = keyDigest([])

  /** `read` gives what the folder of keys has at the moment. */
  constructor(read: () => Promise<OwnRecords>) {
    this.#read = read
  }

  /** Reads it again; yields the lines that were not there before. */
  reload(): Promise<readonly string[]> {
    return this.#turns.run(async () => {
      const before = new Set(this.#lines)
      this.#lines = linesOf(await this.#read())
      this.#digest = keyDigest(this.#lines)
      return this.#lines.filter(line => !before.has(line))
    })
  }

  /** What the folder of keys has at the moment; what linked hubs are told stays as it is. */
  async lines(): Promise<readonly string[]> {
    return linesOf(await this.#read())
  }

  page(from: number): KeyPage {
    return keyPage(this.#lines, from, this.#digest)
  }
}

/** Revocations come first: who heard of one takes no delegation of that key behind it. */
function linesOf({ delegations, revocations, successions }: OwnRecords): readonly string[] {
  const records: KeyRecord[] = [
    ...revocations.slice(-MOST_REVOCATIONS).map(record => ({ kind: 'key_revocation', record }) as const),
    ...successions.slice(-MOST_SUCCESSIONS).map(record => ({ kind: 'succession', record }) as const),
    ...delegations.slice(-MOST_DELEGATIONS).map(record => ({ kind: 'delegation', record }) as const)
  ]
  return records.map(keyRecordLine)
}
