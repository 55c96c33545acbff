import { createHash } from 'node:crypto'
import {
  DIRECTED_MESSAGE,
  delegate,
  emptyBook,
  formatSigned,
  learnDelegation,
  signStatement
} from '../../federation/index.ts'
import type { Delegation, DelegationBook, DirectedStatement, Role, Treaty } from '../../federation/index.ts'
import { LEAST_TREATY } from '../../federation/index.ts'
import type { RoleSigner } from '../identity/index.ts'
import { minisignFromSeed } from '../minisign.ts'
import { signer } from '../peer-keys/signers.fixture.ts'

export const NOW_S = 1_800_000_000
export const TENANT = '11111111-2222-4333-8444-555555555555'
export const SHARE = { id: '0a'.repeat(16), name: 'dispatch' }
export const TOPIC = 'dispatch/a'

/** A hub with keys of two roles, from one byte. */
export function testHub(byte: number) {
  const { key, hub } = signer(byte)
  const signers = {
    message: roleSigner(key, hub, 'message', byte + 1),
    receipt: roleSigner(key, hub, 'receipt', byte + 2)
  }
  const of = async (role: string): Promise<RoleSigner | undefined> => signers[role as 'message' | 'receipt']
  const book = Object.values(signers).reduce<DelegationBook>((known, { delegation }) => {
    const learned = learnDelegation(known, delegation as Delegation<Role>)
    return 'book' in learned ? learned.book : known
  }, emptyBook(hub))
  return { hub, signers, of, book }
}
export type TestHub = ReturnType<typeof testHub>

function roleSigner(
  hubKey: ReturnType<typeof signer>['key'],
  hub: string,
  role: 'message' | 'receipt',
  byte: number
): RoleSigner {
  const { secretKey } = minisignFromSeed(new Uint8Array(32).fill(byte), new Uint8Array(8).fill(byte))
  const delegation = delegate<'message' | 'receipt'>(hubKey, {
    epoch: 1,
    hub,
    key: Buffer.from(secretKey.publicKey).toString('hex'),
    node: 'node1',
    not_after: NOW_S + 86_400,
    not_before: NOW_S - 86_400,
    role
  })
  return { secretKey, delegation }
}

/** Lets everything of one share in and out. */
export const TREATY: Treaty = {
  ...LEAST_TREATY,
  rows: [{ share: SHARE, dir: 'both', tenant: TENANT, topics: ['dispatch/**'], relay: false }]
}

let nonces = 0

/** The line of a message of one hub for another, and its body. */
export function messageFrom(
  from: TestHub,
  to: string,
  { text = 'a passenger', ...change }: { readonly text?: string } & Partial<DirectedStatement> = {}
) {
  const body = Buffer.from(text)
  const { secretKey, delegation } = from.signers.message
  const statement: DirectedStatement = {
    at: NOW_S - 5,
    body_bytes: body.length,
    body_sha256: createHash('sha256').update(body).digest('hex'),
    epoch: delegation.statement.epoch,
    expires: NOW_S + 3600,
    hub: from.hub,
    key: Buffer.from(secretKey.publicKey).toString('hex'),
    nonce: (++nonces).toString(16).padStart(32, '0'),
    priority: 4,
    share: SHARE.id,
    to,
    topic: TOPIC,
    ...change
  }
  return {
    origin: from.hub,
    body,
    line: formatSigned(signStatement(DIRECTED_MESSAGE, secretKey.key, statement))
  }
}
