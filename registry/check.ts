/** A row as it stands in app_proto_ids.json: strings only, so that its canonical form is easy to make anywhere. */
export type RegistryRow = Readonly<Record<RowMember, string>>

export interface RegistryRange {
  readonly name: string
  readonly from: string
  readonly to: string
  /** `core` and `open` ranges take rows, `none` takes none. */
  readonly registration: 'core' | 'open' | 'none'
}

export interface Registry {
  readonly about: string
  readonly ranges: readonly RegistryRange[]
  readonly rows: readonly RegistryRow[]
}

/** True when `signature`, the text of a .minisig file, is the key's over `message`. A throw counts as false. */
export type VerifyMinisign = (publicKey: string, message: Uint8Array, signature: string) => boolean

export interface CheckOptions {
  readonly verify: VerifyMinisign
  /** The registry as it was published before; ids and names of it must live on. */
  readonly previous?: unknown
}

type RowMember = (typeof ROW_MEMBERS)[number]

export const ROW_MEMBERS = [
  'id',
  'range',
  'name',
  'owner',
  'contact',
  'spec',
  'stage',
  'since',
  'security',
  'owner_key',
  'signature'
] as const

const STAGES = ['draft', 'review', 'final']
const ID = /^0x[0-9A-F]{4}$/
const FORMS: Partial<Record<RowMember, readonly [RegExp, string]>> = {
  id: [ID, '0x and four upper-case hex digits'],
  name: [/^[a-z][a-z0-9_]{0,31}$/, 'lower snake case, at most 32 characters'],
  stage: [/^(draft|review|final)$/, STAGES.join(', ')],
  since: [/^\d{4}-\d{2}-\d{2}$/, 'a date YYYY-MM-DD'],
  owner_key: [/^RW[A-Za-z0-9+/]{54}$/, 'the base64 line of a minisign public key']
}
const MAX_MEMBER_LENGTH = 2000
const DOMAIN_TAG = 'OMNIGATE-REGISTRY-ROW-V1\n'

/**
 * What a row's owner signs: the line `OMNIGATE-REGISTRY-ROW-V1`, then the row without `signature` in
 * RFC 8785 canonical JSON, which for an object of strings is its members sorted by name.
 */
export function rowMessage(row: Readonly<Record<string, unknown>>): Uint8Array {
  const members = Object.entries(row).filter(([name]) => name !== 'signature')
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return new TextEncoder().encode(DOMAIN_TAG + JSON.stringify(Object.fromEntries(sorted)))
}

/** Everything that is wrong with a registry, one line each; none when it may be published. */
export function checkRegistry(current: unknown, { verify, previous }: CheckOptions): string[] {
  const shape = shapeProblems(current, 'registry')
  if (shape.length > 0) return shape
  const { ranges, rows } = current as Registry
  return [
    ...rangeProblems(ranges),
    ...rows.flatMap((row, at) => rowProblems(row, at, ranges, verify)),
    ...duplicates(rows),
    ...(previous === undefined ? [] : historyProblems(current as Registry, previous))
  ]
}

function shapeProblems(value: unknown, what: string): string[] {
  if (!isObject(value)) return [`${what}: not an object`]
  return ['ranges', 'rows'].flatMap(member => {
    const list = value[member]
    if (!Array.isArray(list)) return [`${what}: ${member} is missing; it must be a list`]
    return list.flatMap((item, at) => (isObject(item) ? [] : [`${what}: ${member}[${at}] is not an object`]))
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function rangeProblems(ranges: readonly RegistryRange[]): string[] {
  const problems: string[] = []
  let next = 0
  for (const { name, from, to, registration } of ranges) {
    const isWhole = ID.test(from) && ID.test(to) && Number(to) >= Number(from)
    if (!isWhole) problems.push(`range ${name}: from and to must be ids, from not above to`)
    else if (Number(from) !== next)
      problems.push(
        `range ${name}: begins at ${from}, must begin at ${idText(next)}; ranges follow on each other`
      )
    if (!/^(core|open|none)$/.test(registration))
      problems.push(`range ${name}: registration must be core, open or none`)
    next = Number(to) + 1
  }
  if (next !== 0x1_0000) problems.push('ranges: the last must end at 0xFFFF')
  return problems
}

const idText = (id: number): string => `0x${id.toString(16).toUpperCase().padStart(4, '0')}`

function rowProblems(
  row: RegistryRow,
  at: number,
  ranges: readonly RegistryRange[],
  verify: VerifyMinisign
): string[] {
  const subject = typeof row.id === 'string' ? `${row.id} ${row.name}` : `rows[${at}]`
  const found = memberProblems(row)
  if (found.length > 0) return found.map(problem => `${subject}: ${problem}`)
  const problems = [rangeProblem(row, ranges), signatureProblem(row, verify)]
  return problems.flatMap(problem => (problem === undefined ? [] : [`${subject}: ${problem}`]))
}

function memberProblems(row: Readonly<Record<string, unknown>>): string[] {
  const known: readonly string[] = ROW_MEMBERS
  const strays = Object.keys(row).filter(member => !known.includes(member))
  return [
    ...strays.map(member => `${member} is not a member of a row`),
    ...ROW_MEMBERS.flatMap(member => memberProblem(member, row[member]))
  ]
}

function memberProblem(member: RowMember, value: unknown): string[] {
  if (typeof value !== 'string' || value.trim() === '') return [`${member} is missing`]
  if (value.length > MAX_MEMBER_LENGTH || !value.isWellFormed()) {
    return [`${member} must be text of at most ${MAX_MEMBER_LENGTH} characters`]
  }
  const [pattern, form] = FORMS[member] ?? [/^/, '']
  return pattern.test(value) ? [] : [`${member} must be ${form}`]
}

function rangeProblem({ id, range }: RegistryRow, ranges: readonly RegistryRange[]): string | undefined {
  const own = ranges.find(({ name }) => name === range)
  if (own === undefined) return `range ${range} does not exist`
  if (own.registration === 'none') return `${range} takes no rows; use its ids without registering them`
  const isInside = Number(id) >= Number(own.from) && Number(id) <= Number(own.to)
  return isInside ? undefined : `the id lies outside ${range}, ${own.from} to ${own.to}`
}

function signatureProblem(row: RegistryRow, verify: VerifyMinisign): string | undefined {
  try {
    if (verify(row.owner_key, rowMessage(row), row.signature)) return undefined
  } catch {
    // The caller's verifier names what is wrong with a signature; here every such text is a bad one.
  }
  return 'the signature does not fit the row and its owner_key; its owner must sign it as it is (REGISTRY.md, Signing)'
}

function duplicates(rows: readonly RegistryRow[]): string[] {
  return (['id', 'name'] as const).flatMap(member => {
    const again = rows.filter((row, at) => rows.findIndex(other => other[member] === row[member]) < at)
    return again.map(row => `${row.id} ${row.name}: the ${member} stands twice`)
  })
}

function historyProblems(current: Registry, previous: unknown): string[] {
  const shape = shapeProblems(previous, 'previous registry')
  if (shape.length > 0) return shape
  const { ranges, rows } = previous as Registry
  const sameRanges = JSON.stringify(ranges) === JSON.stringify(current.ranges)
  return [
    ...(sameRanges ? [] : ['ranges: they may not change once published']),
    ...rows.flatMap(before => rowHistoryProblems(before, current.rows))
  ]
}

function rowHistoryProblems(before: RegistryRow, rows: readonly RegistryRow[]): string[] {
  const subject = `${before.id} ${before.name}`
  const named = rows.find(({ name }) => name === before.name)
  if (named !== undefined && named.id !== before.id)
    return [`${subject}: renumbered to ${named.id}; an id stays`]
  const now = rows.find(({ id }) => id === before.id)
  if (now === undefined) return [`${subject}: the row is gone; ids are never given back, keep it`]
  if (now.name !== before.name) return [`${subject}: reused for ${now.name}; take a free id`]
  const isStepBack = STAGES.indexOf(now.stage) < STAGES.indexOf(before.stage)
  return isStepBack ? [`${subject}: stage went back from ${before.stage} to ${now.stage}`] : []
}
