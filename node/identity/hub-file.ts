import {
  type CanonicalValue,
  DELEGATION,
  type Delegation,
  KEY_REVOCATION,
  type KeyRevocation,
  type Role,
  type Succession,
  authorityProblem,
  canonicalJson,
  exactly,
  formatSigned,
  formatSuccession,
  formed,
  hubId,
  isTextOf,
  listOf,
  oneOf,
  parseSigned,
  parseSuccession,
  successionProblem,
  textOf
} from '../../federation/index.ts'
import { dataFolderPaths } from '../data-folder.ts'
import { parsePublicKey } from '../minisign.ts'
import { keyOverview } from './overview.ts'
import { revocationProblem } from './revoked.ts'
import { readSuccessions } from './successions.ts'

const TYPE = 'omnigate/hub/1'
const MAX_CHARS = 524_288
const MOST_DELEGATIONS = 256
const MOST_REVOCATIONS = 256
const MOST_SUCCESSIONS = 64

/** The public side of a hub, for another hub's operator. It proves that the hub key said it, and not that it is new. */
export interface HubFile {
  readonly hub: string
  /** The hub's public key as `minisign -P` takes it. */
  readonly minisignKey: string
  readonly delegations: readonly Delegation<Role>[]
  readonly revocations: readonly KeyRevocation[]
  /** How this hub came after others, the oldest first. */
  readonly successions: readonly Succession[]
}

const json: (value: unknown) => CanonicalValue = value => value as CanonicalValue
const FORM = exactly({
  delegations: listOf(json, MOST_DELEGATIONS),
  hub: textOf(/^h1[a-z2-7]{52}$/, 'a hub id'),
  key_revocations: listOf(json, MOST_REVOCATIONS),
  minisign_key: textOf(/^[A-Za-z0-9+/=]{56}$/, 'a minisign public key'),
  successions: listOf(json, MOST_SUCCESSIONS),
  type: oneOf(TYPE)
})

/** What the hub of a data folder may show to everyone; also beside a running node. @throws SetupError as `keyOverview` */
export async function hubFileOf(data: string, nowMs: number): Promise<HubFile> {
  const { keys, delegations, revoked } = await keyOverview(data, nowMs)
  return {
    hub: keys.hubId,
    minisignKey: keys.minisignKey,
    delegations: newestFirst(delegations.map(({ delegation }) => delegation)),
    revocations: revoked.slice(-MOST_REVOCATIONS),
    successions: (await readSuccessions(dataFolderPaths(data).keys)).slice(-MOST_SUCCESSIONS)
  }
}

/**
 * Those that a file has room for, in the order given: the newest of each role of each node, then the one before each of
 * them, and so on.
 */
function newestFirst(all: readonly Delegation<Role>[]): readonly Delegation<Role>[] {
  if (all.length <= MOST_DELEGATIONS) return all
  const newer = new Map<string, number>()
  const ranked = all
    .toSorted((a, b) => b.statement.epoch - a.statement.epoch)
    .map(delegation => {
      const place = `${delegation.statement.role}/${delegation.statement.node}`
      const rank = newer.get(place) ?? 0
      newer.set(place, rank + 1)
      return { delegation, rank }
    })
  const shown = ranked.toSorted((a, b) => a.rank - b.rank).slice(0, MOST_DELEGATIONS)
  const kept = new Set(shown.map(({ delegation }) => delegation))
  return all.filter(delegation => kept.has(delegation))
}

/** The text of the file: canonical JSON and a line feed. */
export function formatHubFile({ hub, minisignKey, delegations, revocations, successions }: HubFile): string {
  const value = {
    delegations: delegations.map(one => JSON.parse(formatSigned(one)) as CanonicalValue),
    hub,
    key_revocations: revocations.map(one => JSON.parse(formatSigned(one)) as CanonicalValue),
    minisign_key: minisignKey,
    successions: successions.map(one => JSON.parse(formatSuccession(one)) as CanonicalValue),
    type: TYPE
  }
  return `${canonicalJson(value)}\n`
}

/**
 * Reads what `formatHubFile` writes, and only that form; each signature in it is verified.
 * @throws SyntaxError naming what is wrong
 */
export function parseHubFile(text: string): HubFile {
  if (text.length > MAX_CHARS) throw new SyntaxError(`longer than ${MAX_CHARS} characters`)
  const value = formed(FORM, parsed(text))
  const file: HubFile = {
    hub: value.hub,
    minisignKey: value.minisign_key,
    delegations: value.delegations.map((one, n) =>
      at(`delegations[${n}]`, () => parseSigned(DELEGATION, canonicalJson(one)) as Delegation<Role>)
    ),
    revocations: value.key_revocations.map((one, n) =>
      at(`key_revocations[${n}]`, () => parseSigned(KEY_REVOCATION, canonicalJson(one)))
    ),
    successions: value.successions.map((one, n) =>
      at(`successions[${n}]`, () => parseSuccession(canonicalJson(one)))
    )
  }
  const problem = problemOf(file)
  if (problem !== undefined) throw new SyntaxError(problem)
  if (!isTextOf(text, () => formatHubFile(file))) throw new SyntaxError('not canonical JSON')
  return file
}

function problemOf({ hub, minisignKey, delegations, revocations, successions }: HubFile): string | undefined {
  const key = at('minisign_key', () => parsePublicKey(minisignKey))
  if (hubId(key.publicKey) !== hub) return `minisign_key: not the key of hub ${hub}`
  for (const [n, delegation] of delegations.entries()) {
    const problem = delegation.statement.hub === hub ? authorityProblem(delegation) : 'made by another hub'
    if (problem !== undefined) return `delegations[${n}]: ${problem}`
  }
  for (const [n, revocation] of revocations.entries()) {
    const problem = revocationProblem(revocation, hub)
    if (problem !== undefined) return `key_revocations[${n}]: ${problem}`
  }
  for (const [n, succession] of successions.entries()) {
    const problem = successionProblem(succession)
    if (problem !== undefined) return `successions[${n}]: ${problem}`
    const next = successions[n + 1]?.statement.hub ?? hub
    if (succession.statement.successor !== next) return `successions[${n}]: does not lead to the next`
  }
  return undefined
}

function at<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new SyntaxError(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError('not JSON')
  }
}
