import type { Dialled } from './dial.ts'
import { unlessAborted } from './unless-aborted.ts'

/** How long a connection may take to end in peace, before it is cut. */
const CLOSE_TIMEOUT_MS = 1000

/** Ends a connection; one that does not end in peace within a second is cut. */
export async function hangUp({ connection, caller }: Dialled): Promise<void> {
  const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS)
  await unlessAborted(caller.end(), signal).catch(() => undefined)
  // A connection that the other side is closing too rejects; it is gone either way.
  await connection.close({ signal }).catch(() => connection.abort(new Error('closed')))
}
