import { hubId, noteKey, parseOrigin, parseVerifierKey, readLogDelegation } from '../../federation/index.ts'
import type { NoteKey } from '../../federation/index.ts'
import { parsePublicKey } from '../minisign.ts'
import { Finding } from './verdict.ts'

/**
 * The key that must have signed a log's checkpoints, from the one key that the auditor trusts: a verifier key, a hub id,
 * or a minisign public key (file or line) of the hub or of the log. A hub's key leads to the log's by `delegation`.
 * @throws Finding `key`.
 */
export function logKeyFor(trusted: string, origin: string, delegation: string | undefined): NoteKey {
  try {
    const key = trustedKey(trusted.trim(), origin, delegation)
    if (key.name !== origin) throw new SyntaxError(`the key is of ${key.name}, the log is ${origin}`)
    return key
  } catch (error) {
    throw new Finding('key', `public key: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function trustedKey(trusted: string, origin: string, delegation: string | undefined): NoteKey {
  if (trusted.includes('+') && trusted.includes('/') && trusted.startsWith('h1'))
    return parseVerifierKey(trusted)
  const own = parseOrigin(origin)?.hubId
  if (trusted.startsWith('h1')) return delegated(trusted, delegation)
  const { publicKey } = parsePublicKey(trusted.includes('\n') ? `${trusted}\n` : trusted)
  return hubId(publicKey) === own ? delegated(own, delegation) : noteKey(origin, publicKey)
}

function delegated(hub: string, delegation: string | undefined): NoteKey {
  if (delegation === undefined)
    throw new SyntaxError(`hub ${hub} has not signed a delegation.json for this log; use the log's own key`)
  return readLogDelegation(delegation, hub)
}
