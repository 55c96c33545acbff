import { readFileSync, writeFileSync } from 'node:fs'
import { ERRORS } from '../protocols/index.ts'
import type { ErrorCode } from '../protocols/index.ts'

const PAGE = new URL('errors.md', import.meta.url)

const REPORT = 'Give the corr_id to the operator; the cause is in the log of the node.'
const SEEN_AS_INTERNAL = 'Seen in metrics and logs only. Read the ServiceCrashed line of the log.'

/** What the one who meets an error can do about it. */
const WAY_OUT: Readonly<Record<ErrorCode, string>> = {
  bad_frame: 'Look at the bytes with omnigate frame decode; the software that sent them is at fault.',
  bad_version: 'Speak OAP/1; the two sides have no version in common.',
  bad_sequence: 'Check START, END and corr_id of the call; a body must end with END.',
  bad_payload: 'Send a record or one JSON object: integers only, no member twice, at most 16 deep.',
  frame_oversize: 'Stream the body, or ask for max_frame with a HELLO and keep to it.',
  body_oversize: 'Send less, or divide it.',
  ratio_cap: 'Send it without COMP.',
  decompress_cap: 'Divide it, or send it without COMP.',
  credit_violation: 'Let up_to count the events taken, never fewer than before.',
  unknown_app: 'Look at apps in the HELLO; ask the operator whether the service should run there.',
  unknown_operation: 'Check op against the table of the service.',
  bad_request: 'The message names the member; correct it.',
  not_found: 'Check the name, and that your capability covers it.',
  conflict: 'Read what is stored, then decide again.',
  cap_missing: 'Send a capability with START.',
  cap_foreign: 'Ask the hub that you call for a capability of its own.',
  cap_expired: 'Ask for a new capability.',
  cap_revoked: 'Ask the operator; this capability is not coming back.',
  cap_denied: 'The member reason names the caveat; ask for a wider capability.',
  quota_peer: 'Wait retry_after_ms, then call less often; show a capability to be no stranger.',
  quota_tenant: 'Wait retry_after_ms; ask the operator for more if it goes on.',
  quota_capability: 'Wait retry_after_ms; ask for a capability with a larger quota.',
  saturated: 'Wait retry_after_ms, longer each time.',
  not_ready: 'Wait retry_after_ms; the operator sees what is missing with omnigate status.',
  draining: 'Call another node, or this one once it is back.',
  mailbox_full: 'Wait until messages are taken; the operator can raise the bound.',
  quarantine_full: 'Wait until the quarantine is looked through.',
  disk_full:
    'The operator makes room. Whether a write was done is unknown; repeat it only with its idempotency key.',
  deadline: 'Allow more time. Whether the work was done is unknown; repeat only what is idempotent.',
  slow_peer: 'Look at the network, and at a reader that does not read. Repeat only what is idempotent.',
  not_allowlisted: 'Ask the operator of the other hub to add yours.',
  not_shared: 'Both operators add it to their treaty.',
  read_only: 'Write to the core, not to its mirror.',
  policy: 'Read the acceptance policy of the hub.',
  upstream: 'Try again later. After session_lost it is unknown whether the call was carried out.',
  internal: REPORT,
  crash_exception: SEEN_AS_INTERNAL,
  crash_store: `${SEEN_AS_INTERNAL} Check disk and permissions of the data folder.`,
  crash_listener: `${SEEN_AS_INTERNAL} Check ports and file descriptors.`,
  crash_start: SEEN_AS_INTERNAL
}

const HEAD = `# Errors

<!-- Written by "npm run docs:errors" from protocols/errors.ts. -->

Every refusal of a node has one of these codes; match the code, never the message. \`retry\` says whether the same call may succeed later; with 429 and 503 the answer says when, in \`retry_after_ms\`. \`blame\` is who can mend it: the caller, the peer whose software sent the bytes, the node that answered, or its operator. A service may have finer codes of its own, which it describes. [specs/oap-1.md](../specs/oap-1.md), section 9, is normative.

What the command line ends with is in [operating.md](operating.md#exit-codes).

| code | status | retry | blame | meaning | what to do |
| --- | --- | --- | --- | --- | --- |
`

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, retryable, blame, message }]) => {
    const wayOut = WAY_OUT[code as ErrorCode]
    return `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${blame} | ${message} | ${wayOut} |`
  })
  return `${HEAD}${rows.join('\n')}\n`
}

/** The page as it lies in the repository; empty when it was never written. */
export function writtenPage(): string {
  try {
    return readFileSync(PAGE, 'utf8')
  } catch {
    return ''
  }
}

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(PAGE, errorsPage())
  else process.stdout.write(errorsPage())
}
