import { OapError, adminService, callable, federationService, opaque, unary } from '../../protocols/index.ts'
import type { ConnectionCaller, RequestCodec } from '../../protocols/index.ts'

const EMPTY = new Uint8Array(0)
const MOST_MS = 30_000
/** What the operator of one hub has no business with at another: who asks there is the hub itself. */
const NOT_RELAYED: readonly number[] = [adminService.app, federationService.app]

const asItIs: RequestCodec<Uint8Array> = {
  takesBody: true,
  encode: (_op, payload) => ({ head: payload, body: EMPTY }),
  decode: (_header, body) => body
}

/** Goes on a stream of its own: whatever comes back on it disturbs no other call of the link. */
const RAW = unary({ verb: 'relay', request: asItIs, answer: opaque, upload: true })

/** Throws `bad_request` for an app that is not called over a link in the operator's name. */
export function checkRelayed(app: number): void {
  if (NOT_RELAYED.includes(app)) throw new OapError('bad_request', `app: ${app} is not called over a link`)
}

/**
 * Calls an operation of another hub with a payload as it is, and gives the payload of its answer, at most 8 MiB.
 * @throws OapError as the other hub refuses it, `bad_request` as `checkRelayed`, `upstream` when the link is lost on the way, `deadline` after 30 s
 */
export async function relay(
  caller: ConnectionCaller,
  app: number,
  payload: Uint8Array,
  signal: AbortSignal
): Promise<Uint8Array> {
  checkRelayed(app)
  return callable(app, 'relay', RAW, caller)(payload, { deadlineMs: MOST_MS, signal })
}
