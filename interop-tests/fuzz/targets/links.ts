import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  DELEGATION,
  KEY_REVOCATION,
  TREATY_GRANT,
  agree,
  authorityProblem,
  canonicalJson,
  decodeInvite,
  delegate,
  delegatedKey,
  emptyBook,
  encodeInvite,
  formatSigned,
  formatSuccession,
  grantOf,
  inviteProblem,
  learnDelegation,
  learnKeyRevocation,
  learnSuccession,
  parseSigned,
  parseSuccession,
  readForm,
  readTreaty,
  revokeKey,
  signingKey,
  succeed
} from '../../../federation/index.ts'
import type { AgreedRow, TreatyGrant } from '../../../federation/index.ts'
import { BYTE_MUTATIONS } from '../engine/mutate.ts'
import type { Target } from '../engine/target.ts'
import { JSON_TOKENS, LINKS_TOKENS } from './dictionary.ts'
import { LINKS, linksSeeds } from './links-seeds.ts'

const keyOf = (name: string) => {
  const { seed, hub_id } = LINKS.keys[name]!
  return { key: signingKey(Buffer.from(seed, 'hex')), hub: hub_id }
}
const HUB = keyOf('hub')
const OTHER = keyOf('other_hub')
const OURS = LINKS.agreements.map(({ here }) => here as TreatyGrant)
/** The lines that the hub did sign. */
const SIGNED = new Set(
  [...LINKS.delegations, ...LINKS.key_revocations, ...LINKS.successions.learned].map(({ line }) => line)
)
const NOW_S = 1_795_000_000

/** What `read` gives; undefined where it throws a SyntaxError. Any other error passes. */
function unless<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function checkDelegation(line: string): void {
  const read = unless(() => parseSigned(DELEGATION, line))
  if (read === undefined) return
  assert.equal(formatSigned(read), line, 'two lines of one delegation')
  if (!SIGNED.has(line)) assert.notEqual(authorityProblem(read), undefined, 'forged')
  const { statement } = read
  const isGood = statement.hub === HUB.hub && delegatedKey(statement) !== undefined
  const learned = learnDelegation(emptyBook(HUB.hub), delegate(HUB.key, statement))
  assert.equal(learned.verdict === 'new', isGood, 'the rules are others')
  if (!('book' in learned)) return
  const changed = { ...statement, not_after: statement.not_after === 1 ? 2 : 1 }
  const again = learnDelegation(learned.book, delegate(HUB.key, changed))
  assert.equal(again.verdict, 'equivocation', 'two words for one place')
}

function checkKeyRevocation(line: string): void {
  const read = unless(() => parseSigned(KEY_REVOCATION, line))
  if (read === undefined) return
  assert.equal(formatSigned(read), line, 'two lines of one revocation')
  const { statement } = read
  const book = emptyBook(HUB.hub)
  if (!SIGNED.has(line)) assert.equal(learnKeyRevocation(book, read, NOW_S).verdict, 'refused', 'forged')
  const learned = learnKeyRevocation(book, revokeKey(HUB.key, statement), NOW_S)
  assert.equal(learned.verdict === 'new', statement.hub === HUB.hub, 'the rules are others')
}

function checkSuccession(line: string): void {
  const read = unless(() => parseSuccession(line))
  if (read === undefined) return
  assert.equal(formatSuccession(read), line, 'two lines of one succession')
  if (!SIGNED.has(line)) assert.equal(learnSuccession([], read).verdict, 'refused', 'forged')
  const { hub, successor } = read.statement
  const again = succeed({ hub: HUB.key, successor: OTHER.key }, read.statement)
  const isGood = hub === HUB.hub && successor === OTHER.hub
  assert.equal(learnSuccession([], again).verdict === 'new', isGood, 'the rules are others')
}

function checkTreaty(text: string): void {
  const document = unless(() => JSON.parse(text) as unknown)
  if (document === undefined) return
  const read = readTreaty(document, { nowS: NOW_S })
  if ('problems' in read) assert.ok(read.problems.length > 0, 'refused for nothing')
  else {
    const grant = grantOf(read.value)
    assert.ok(!canonicalJson(grant).includes('tenant'), 'a tenant goes out')
    assert.deepEqual(readForm(TREATY_GRANT, grant), { value: grant }, 'what goes out cannot be read')
  }
  const theirs = readForm(TREATY_GRANT, document)
  if (!('value' in theirs)) return
  for (const ours of OURS) {
    const here = agree(ours, theirs.value)
    const there = agree(theirs.value, ours)
    assert.deepEqual(here.out.map(unnamed), there.in.map(unnamed), 'two hubs find two agreements')
    assert.deepEqual(here.in.map(unnamed), there.out.map(unnamed), 'two hubs find two agreements')
  }
}

const unnamed = ({ share, topics, relay }: AgreedRow) => ({ share, topics, relay })

function checkInvite(text: string): void {
  const invite = unless(() => decodeInvite(text))
  if (invite === undefined) return
  assert.equal(encodeInvite(invite), text, 'two texts of one invite')
  inviteProblem(invite, NOW_S)
}

function run(input: Uint8Array): void {
  const text = Buffer.from(input).toString('utf8')
  checkDelegation(text)
  checkKeyRevocation(text)
  checkSuccession(text)
  checkTreaty(text)
  checkInvite(text)
  const check = createHash('sha256').update(input).digest().subarray(0, 4)
  checkInvite(Buffer.concat([input, check]).toString('base64url'))
}

export const links: Target = {
  name: 'links',
  about:
    'delegations, revocations of keys, successions, treaties, grants, invites: one form each, typed refusals, no forgery',
  maxBytes: 2048,
  mutations: Object.values(BYTE_MUTATIONS),
  dictionary: [...JSON_TOKENS, ...LINKS_TOKENS],
  seeds: linksSeeds,
  run
}
