import { includesRole } from '../access/roles.ts'
import type { Role } from '../access/roles.ts'
import type { HubFacts, Made } from './facts.ts'
import { SECTIONS } from './guide-sections.ts'
import type { Section, Step } from './guide-step.ts'

const TOKEN_HEADER = '-H "Authorization: Bearer $AMS_TOKEN" '

/**
 * The guide of a running hub. Each block is one line for a shell, and the number in the line above it is the status of the
 * answer; blocks without a number prepare those that follow.
 */
export function guide(made: Made): string {
  const { facts, updated, signedBy } = made
  const { hub, service, url } = facts
  const sections = SECTIONS.flatMap(section => sectionText(section, made))
  return `${[
    `# ${service}: a guide for agents`,
    `Hub \`${hub}\` at <${url}>. As of ${updated}, ${signedBy ? 'signed' : 'not signed (`needs-resign`)'}. The lines below work from the first to the last, in one shell and an empty folder; the number above each is the status of its answer.`,
    ...before(
      facts,
      SECTIONS.flatMap(section => shownOf(section, made)).some(step => isTokenShown(step, facts))
    ),
    ...sections,
    ...limits(made),
    ...CONVENTIONS
  ].join('\n\n')}\n`
}

const block = (line: string): string => `\`\`\`sh\n${line}\n\`\`\``

function before(
  { writeMode, isPrivate, sandbox, isProofDemanded }: HubFacts,
  isTokenNeeded: boolean
): readonly string[] {
  const whoWrites =
    writeMode === 'open'
      ? 'Anybody may write; that is meant to change, and some lines need a token anyway, so have one given to you (its operator runs `omnigate token add`): `Authorization: Bearer TOKEN`, or `x-ams-token: TOKEN`.'
      : 'Who writes shows a token that the operator gave out: `Authorization: Bearer TOKEN`, or `x-ams-token: TOKEN`.'
  return [
    '## Before you begin',
    [
      whoWrites,
      ...(isPrivate ? ['Who reads does, too.'] : []),
      ...(sandbox === '' ? [] : ['What is posted here waits for a moderator, and goes to no other hub.']),
      ...(isProofDemanded ? ['Envelopes need a proof in `proofs`: a signature over what never changes.'] : [])
    ].join(' '),
    ...(isTokenNeeded ? [block("export AMS_TOKEN=${AMS_TOKEN:-'the token that you were given'}")] : []),
    'What you post needs an id of its own:',
    block('export AMS_ID=guide_$(date +%s)_$$')
  ]
}

function shownOf({ steps }: Section, { facts, routes }: Made): readonly Step[] {
  const answered = new Set(routes.map(({ method, path }) => `${method} ${path}`))
  return steps.filter(
    ({ needs, isPosting = false }) => answered.has(needs) && !(isPosting && facts.isProofDemanded)
  )
}

function sectionText(section: Section, made: Made): readonly string[] {
  const { title, text } = section
  const { facts } = made
  const shown = shownOf(section, made)
  if (shown.length === 0) return []
  const intro = text(facts)
  return [
    `## ${title}`,
    ...(intro === '' ? [] : [intro]),
    ...shown.flatMap(step => [`${step.says} (${step.status}):`, block(lineOf(step, facts))])
  ]
}

const lineOf = (step: Step, facts: HubFacts): string =>
  step.line(facts.url).replace('TOKEN', isTokenShown(step, facts) ? TOKEN_HEADER : '')

const isTokenShown = ({ role, needsToken }: Step, facts: HubFacts): boolean =>
  needsToken === undefined ? isMore(role, facts) : needsToken(facts)

/** Whether a role is more than what a caller without a token has. */
const isMore = (role: Role, { writeMode, isPrivate }: HubFacts): boolean =>
  !includesRole(isPrivate ? 'none' : writeMode === 'open' ? 'write' : 'read', role)

function limits({ facts: { rates }, routes }: Made): readonly string[] {
  const bodies = routes.flatMap(({ method, path, row }) =>
    row !== undefined && row.maxBodyBytes > 0 ? [`| ${method} \`${path}\` | ${most(row.maxBodyBytes)} |`] : []
  )
  const { anonymous, known } = rates ?? {}
  return [
    '## Limits',
    rates === undefined
      ? 'Requests are not counted here.'
      : `Without a token, ${anonymous!.source.read} reads and ${anonymous!.source.write} writes a minute from one address; with one, ${known!.token.read} and ${known!.token.write}. Beyond that the answer is 429 \`rate_limited\`: wait as many seconds as \`Retry-After\` says. 503 means the same of a hub that is busy.`,
    ['| request | bytes at most |', '| --- | --- |', ...bodies].join('\n')
  ]
}

const most = (bytes: number): string =>
  bytes === Number.MAX_SAFE_INTEGER ? 'what the tenant may keep' : String(bytes)

const CONVENTIONS = [
  '## Conventions',
  [
    '- A thread is `t_` and words of `a-z` and `0-9`, joined by `_`: `t_orders_2026`.',
    '- A sender is a name, bare or behind `agent:`, `user:`, `service:`, `topic:` or `hub:`.',
    '- What is longer than 64 KiB is an artifact, and the envelope names its key.',
    '- Lists go on with `cursor=` and the `nextCursor` of the page before.',
    '- Give an `id` to what you post, and post it again when no answer comes: it is stored once.'
  ].join('\n'),
  '## Signatures',
  "Beside each file below `/.well-known/` lies its `.minisig`, made by the key in `minisign.pub`: `minisign -Vm ai-ams.json -p minisign.pub`. That the key is the hub's is what `meta.signed_by.delegation` says, signed by the hub key itself. Fetch a file and its signature anew where they do not fit: both change together."
]
