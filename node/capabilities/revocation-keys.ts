import { existsSync } from 'node:fs'
import { OapError } from '../../protocols/index.ts'
import { createFile, readBoundedFile, readSecretFile, replaceFile } from '../durable-file.ts'
import { generateMinisign, parseSecretKey } from '../minisign.ts'
import type { MinisignSecretKey } from '../minisign.ts'
import { SetupError } from '../setup-error.ts'
import {
  delegateKey,
  formatKeyDelegation,
  keyDelegationProblem,
  parseKeyDelegation
} from './key-delegation.ts'
import type { KeyDelegation } from './key-delegation.ts'
import type { RevocationSigner } from './revocation-list.ts'
import type { ListHead } from './revocation-statement.ts'

const MAX_FILE_BYTES = 8192
const DELEGATION_S = 10 * 365 * 24 * 3600
const FIRST_EPOCH = 1
/** All delegations stand in one answer beside statements. */
export const MAX_REVOCATION_KEYS = 8

/** Whose keys they are. */
export interface HubOfKeys {
  readonly hub: string
  readonly nodeName: string
  /** The hub key if it is here, to sign delegations. */
  readonly hubKey: () => Promise<MinisignSecretKey | undefined>
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface KeyPaths {
  readonly key: string
  readonly delegation: string
}

/** With what a hub signs its revocations, and the hub key's word for it. */
export interface RevocationKeys {
  /** Of each epoch, the first first; none while the hub key has not been there. */
  readonly delegations: readonly KeyDelegation[]
  /**
   * Puts a new key, of the next epoch, in the place of the one before, which is gone from its file then. Resolves once
   * both would survive a power cut. Throws `conflict` without the hub key, or for one key too many.
   * @param notBefore Unix seconds of the last statement, or of now if that is later.
   * @param after Where the list stands, durable: beyond this the key before has no say.
   */
  replace(notBefore: number, after: ListHead): Promise<RevocationSigner>
}

/** Keys whose delegations nobody has signed, and that are never replaced. */
export const unsignedKeys: RevocationKeys = {
  delegations: [],
  replace: async () => {
    throw new OapError('conflict', 'a hub without a data folder has no revocation key to replace')
  }
}

/** The key and the delegations in their files. `settle` is called once the list has been found whole. */
export class RevocationKeyFiles implements RevocationKeys {
  readonly #paths: KeyPaths
  readonly #hub: HubOfKeys
  readonly #signer: RevocationSigner
  #delegations: readonly KeyDelegation[]
  /** A replacement was cut short after the delegation was written: the key that it speaks for is nowhere. */
  readonly #isUnfinished: boolean

  private constructor(
    paths: KeyPaths,
    hub: HubOfKeys,
    secret: MinisignSecretKey,
    written: readonly KeyDelegation[]
  ) {
    const key = hexOf(secret)
    const isLast = written.length === 0 || written.at(-1)!.statement.key === key
    this.#isUnfinished = !isLast && written.at(-2)?.statement.key === key
    if (!isLast && !this.#isUnfinished) throw wrong(paths, 'made for another key than revocation.key')
    this.#paths = paths
    this.#hub = hub
    this.#delegations = this.#isUnfinished ? written.slice(0, -1) : written
    this.#signer = signerOf(hub.hub, secret, this.#delegations)
  }

  /** @throws SetupError `badInput`, `noInput`, `permission`. */
  static async open(paths: KeyPaths, hub: HubOfKeys): Promise<RevocationKeyFiles> {
    const secret = await readRevocationKey(paths.key)
    return new RevocationKeyFiles(paths, hub, secret, await readDelegations(paths, hub))
  }

  get delegations(): readonly KeyDelegation[] {
    return this.#delegations
  }

  /** That of the key in the file when it was opened. */
  get signer(): RevocationSigner {
    return this.#signer
  }

  /** Signs the first delegation if the hub key is here; forgets one whose key a crash took. */
  async settle(firstAt: number | undefined): Promise<void> {
    if (this.#isUnfinished) await replaceFile(this.#paths.delegation, textOf(this.#delegations))
    const hubKey = this.#delegations.length === 0 ? await this.#hub.hubKey() : undefined
    if (hubKey === undefined) return
    const nowS = Math.floor(this.#hub.now / 1000)
    // What was revoked before the hub key came is its word too.
    const first = this.#signed(hubKey, this.#signer, Math.min(nowS, firstAt ?? nowS))
    await createFile(this.#paths.delegation, formatKeyDelegation(first))
    this.#delegations = [first]
  }

  async replace(notBefore: number, after: ListHead): Promise<RevocationSigner> {
    const hubKey = await this.#hub.hubKey()
    if (hubKey === undefined)
      throw new OapError(
        'conflict',
        'the hub key must sign for a new revocation key, and is not here without a password: stop the node, and give it with --hub-key FILE'
      )
    if (this.#delegations.length === 0)
      throw new OapError(
        'conflict',
        'the hub key has not signed for the first key: start the node once with it'
      )
    if (this.#delegations.length >= MAX_REVOCATION_KEYS)
      throw new OapError('conflict', `a hub has at most ${MAX_REVOCATION_KEYS} revocation keys in its life`)
    const { text, secretKey } = generateMinisign()
    const epoch = this.#delegations.at(-1)!.statement.epoch + 1
    const delegation = this.#signed(hubKey, { publicKey: hexOf(secretKey), epoch }, notBefore, after)
    const problem = keyDelegationProblem(delegation)
    if (problem !== undefined)
      throw new OapError('conflict', `the hub key that is here will not do: ${problem}`)
    const delegations = [...this.#delegations, delegation]
    // In this order: a delegation without its key is forgotten at the next start, a key without one would be no use.
    await replaceFile(this.#paths.delegation, textOf(delegations))
    await replaceFile(this.#paths.key, text)
    this.#delegations = delegations
    return signerOf(this.#hub.hub, secretKey, delegations)
  }

  #signed(
    hubKey: MinisignSecretKey,
    { publicKey, epoch }: Pick<RevocationSigner, 'publicKey' | 'epoch'>,
    notBefore: number,
    after?: ListHead
  ): KeyDelegation {
    return delegateKey(hubKey.key, {
      ...(after !== undefined && { after }),
      epoch,
      hub: this.#hub.hub,
      key: publicKey,
      node: this.#hub.nodeName,
      not_after: Math.max(Math.floor(this.#hub.now / 1000), notBefore) + DELEGATION_S,
      not_before: notBefore,
      role: 'revocation'
    })
  }
}

/** The key with its epoch, and the public keys of the epochs before. */
export function signerOf(
  hub: string,
  secret: MinisignSecretKey,
  delegations: readonly KeyDelegation[] = []
): RevocationSigner {
  const own = delegations.at(-1)?.statement
  return {
    hub,
    key: secret.key,
    publicKey: hexOf(secret),
    epoch: own?.epoch ?? FIRST_EPOCH,
    notBefore: own?.not_before ?? 0,
    earlier: delegations.slice(0, -1).map(({ statement }) => statement.key)
  }
}

const hexOf = ({ publicKey }: MinisignSecretKey): string => Buffer.from(publicKey).toString('hex')

const textOf = (delegations: readonly KeyDelegation[]): string =>
  delegations.map(formatKeyDelegation).join('')

async function readRevocationKey(path: string): Promise<MinisignSecretKey> {
  const text = await readSecretFile(path, { maxBytes: MAX_FILE_BYTES })
  try {
    return parseSecretKey(text)
  } catch {
    throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
  }
}

async function readDelegations(paths: KeyPaths, { hub }: HubOfKeys): Promise<KeyDelegation[]> {
  if (!existsSync(paths.delegation)) return []
  const text = await readBoundedFile(paths.delegation, { maxBytes: MAX_FILE_BYTES })
  const lines = text.split(/(?<=\n)/)
  return lines.map((line, n) => {
    const delegation = parsed(paths, line)
    const { statement } = delegation
    if (statement.hub !== hub) throw wrong(paths, `made by hub ${statement.hub}, but this is ${hub}`)
    if (statement.epoch !== n + FIRST_EPOCH)
      throw wrong(paths, `epoch ${statement.epoch} in the place of ${n + FIRST_EPOCH}`)
    const problem = keyDelegationProblem(delegation)
    if (problem !== undefined) throw wrong(paths, problem)
    return delegation
  })
}

function parsed(paths: KeyPaths, line: string): KeyDelegation {
  try {
    return parseKeyDelegation(line)
  } catch (error) {
    throw error instanceof SyntaxError ? wrong(paths, `damaged (${error.message})`) : error
  }
}

const wrong = ({ delegation }: KeyPaths, why: string): SetupError =>
  new SetupError(
    'badInput',
    `${delegation}: ${why}; restore it from a backup, or, if the key was never replaced, remove it while hub.key is here`
  )
