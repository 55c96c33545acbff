import { createHash } from 'node:crypto'
import { SNAPSHOTS } from '../../federation/index.ts'
import { OapError, client, dagVerifier, parseCid, storageService } from '../../protocols/index.ts'
import type { Caller, StreamedResult } from '../../protocols/index.ts'

type Head = StreamedResult<{ readonly total_len: number }>

/**
 * The bytes of a package from a linked hub, each block proved against the content id before the next is asked for. Nothing
 * of it is stored. Throws `too_large` and faults of the other side.
 */
export async function fetchPackage(caller: Caller, cid: string, signal: AbortSignal): Promise<Uint8Array> {
  const { head, body }: Head = await client(storageService, caller).get({ cid, form: 'dag' }, { signal })
  if (head.total_len > SNAPSHOTS.packageBytes) throw tooLarge()
  const verifier = dagVerifier({ cid: parseCid(cid), sha256: () => createHash('sha256') })
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    for (const { plain } of verifier.push(chunk)) {
      for (const piece of plain) {
        bytes += piece.length
        if (bytes > SNAPSHOTS.packageBytes) throw tooLarge()
        pieces.push(Uint8Array.from(piece))
      }
    }
  }
  verifier.end()
  return Buffer.concat(pieces)
}

const tooLarge = (): OapError =>
  new OapError('upstream', `the package is longer than ${SNAPSHOTS.packageBytes} bytes`, {
    code: 'too_large',
    retryable: false
  })
