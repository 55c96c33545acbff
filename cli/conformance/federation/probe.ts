import type { Connection } from '@libp2p/interface'
import { EXCHANGE_VERB, mailboxService, parseJson } from '../../../protocols/index.ts'
import { vectorFrame } from '../../../specs/index.ts'
import type { DecodedFrame, VectorFrame } from '../../../specs/index.ts'
import { Wire } from '../wire.ts'
import { GONE } from './grant-cases.ts'
import type { OpenShare } from './grant-cases.ts'
import { Exchanging, exchangeFrame } from './exchanging.ts'
import { Talk, call, grantIn } from './talk.ts'
import type { Parties } from './talk.ts'

const WITHIN_MS = 5000
const OPEN_PATTERN = /^(.*\/)\*\*$/
const NEVER_NAMED = 'mailbox:recv'

/** How a node takes the runner as another hub. */
export interface Federation {
  /** Whether it speaks of federation at all, and whether in that of the runner. */
  readonly is: 'none' | 'another' | 'ours'
  /** It links with the runner's hub. */
  readonly isAllowed: boolean
  /** A share of topics that the runner's hub may send to and not receive from. */
  readonly share?: OpenShare
  /** The treaty lets the runner's hub exchange capabilities. */
  readonly exchanges?: boolean
  /** The treaty has the node witness the log of the runner's hub. */
  readonly witnesses?: boolean
  /** The node has heard within the last minute where the runner's list of revocations stands. */
  readonly hasHeard?: boolean
}

/** Shakes hands once. */
export async function probeFederation(connection: Connection, parties: Parties): Promise<Federation> {
  const wire = await Wire.open(connection)
  const talk = new Talk(parties)
  const hello = await answerTo(wire, call(1, { op: 'hello' }, talk.helloBytes))
  if (hello === undefined || hello.code !== 0)
    return { is: codeOf(hello) === 'other_federation' ? 'another' : 'none', isAllowed: false }
  if (talk.challengeFault(hello.payload) !== undefined) return { is: 'ours', isAllowed: false }
  const proof = await answerTo(wire, talk.proofCall(2))
  if (proof === undefined || proof.code !== 0) return { is: 'ours', isAllowed: false }
  const grant = grantIn(proof.payload)
  const share = openShare(grant)
  const known = { is: 'ours', isAllowed: true, witnesses: grant['witness'] === true } as const
  if (share === undefined) return known
  const exchanges = (grant['verbs'] as readonly string[]).includes(EXCHANGE_VERB)
  return { ...known, share, exchanges, hasHeard: exchanges && (await hasHeard(wire, parties, share, talk)) }
}

/** A right that is shown is refused for its head alone where none was heard. */
async function hasHeard(wire: Wire, parties: Parties, share: OpenShare, talk: Talk): Promise<boolean> {
  const line = new Exchanging(parties, share, talk).line()
  const answer = await answerTo(wire, exchangeFrame(3, line))
  return answer === undefined || answer.code === 0 || parseJson(answer.payload)['reason'] !== 'head'
}

async function answerTo(wire: Wire, frame: VectorFrame): Promise<DecodedFrame | undefined> {
  await wire.write(vectorFrame(frame))
  return wire.take(({ corr_id }) => corr_id === frame.corr_id, WITHIN_MS)
}

const codeOf = (frame: DecodedFrame | undefined): unknown =>
  frame === undefined ? undefined : parseJson(frame.payload)['code']

interface Row {
  readonly share: { readonly id: string; readonly name: string }
  readonly dir: string
  readonly topics: readonly string[]
}

function openShare(grant: Readonly<Record<string, unknown>>): OpenShare | undefined {
  const { verbs, rows } = grant as { verbs: readonly string[]; rows: readonly Row[] }
  const { verb } = mailboxService.operations.send
  if (!verbs.includes(verb) || verbs.includes(NEVER_NAMED)) return undefined
  const known = rows.flatMap(({ share: { id, name }, dir, topics }) => {
    const prefix = topics.map(topic => OPEN_PATTERN.exec(topic)?.[1]).find(found => found !== undefined)
    return prefix === undefined ? [] : [{ id, prefix, kind: name === GONE ? 'gone' : dir }]
  })
  const of = (wanted: string) => known.find(({ kind }) => kind === wanted)
  const open = of('in')
  return open && { ...open, out: of('out'), both: of('both'), gone: of('gone') }
}
