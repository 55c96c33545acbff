import { hash, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { delegate, formatDelegation, hubId, publicBytes, signingKey } from '../../federation/index.ts'
import { federationService } from '../../protocols/index.ts'
import type { Handlers, Service } from '../../protocols/index.ts'
import { answering, partly } from './answering.fixture.ts'

export const hexOf = (key: KeyObject): string => Buffer.from(publicBytes(key)).toString('hex')

/**
 * The keys of a hub that a test speaks for, of which `message` may sign messages and `other` nothing; `answers` says so to
 * hubs that ask for what its hub key has signed, and answers what else it is given.
 */
export function messageKeys(hubKey = signingKey(randomBytes(32))) {
  const [message, other] = [0, 1].map(() => signingKey(randomBytes(32))) as [KeyObject, KeyObject]
  const hub = hubId(publicBytes(hubKey))
  const nowS = Math.floor(Date.now() / 1000)
  const line = formatDelegation(
    delegate(hubKey, {
      hub,
      node: 'bare',
      role: 'message',
      key: hexOf(message),
      not_before: nowS - 86_400,
      not_after: nowS + 86_400,
      epoch: 1
    })
  )
  const keys = ({ from }: { readonly from: number }) => ({
    total: 1,
    digest: hash('sha256', line, 'hex'),
    body: Buffer.from(from === 0 ? line : '')
  })
  const answers = (
    more: Partial<Handlers<(typeof federationService)['operations']>> = {},
    ...others: readonly Service[]
  ): ((stream: Stream) => void) =>
    answering(
      partly(federationService, {
        keys,
        probe: () => ({ time: nowS, revocation_seq: 0 }),
        ...more
      }),
      ...others
    )
  return { hub, hubKey, message, other, nowS, keys, answers }
}
