import { createHash } from 'node:crypto'
import { formatDelegation } from '../../../federation/index.ts'
import { signedAs } from '../../identity/index.ts'
import type { RoleSigner } from '../../identity/index.ts'
import { formatPublicKey, signFile } from '../../minisign.ts'
import type { WriteMode } from '../access/identify.ts'
import type { Answering } from './answering.ts'
import { DOCUMENTS, PLAIN, PUBLIC_KEY } from './documents.ts'
import type { HubFacts, SignedBy } from './facts.ts'

/** After so long it is looked again whether who signs is still the same, or there is one by now. */
const LOOK_AGAIN_MS = 10_000

export interface ManifestsOptions {
  /** With what is signed; undefined while nobody can. @see NodeSigners */
  readonly signer: () => Promise<RoleSigner | undefined>
  /** Unix ms. */
  readonly nowMs: () => number
  /** Told once when what is served is not signed any more, with the error where there was one. */
  readonly onUnsigned: (error: unknown) => void
}

/** A file as it is served, and was signed. */
export interface ServedFile {
  readonly bytes: Buffer
  readonly type: string
  /** A strong one. */
  readonly etag: string
}

/** What is known of the manifests as they stand. */
export interface ManifestStanding {
  /** As `YYYY-MM-DDThh:mm:ss.mmmZ`. */
  readonly updated: string
  readonly writeMode: WriteMode
  readonly isSigned: boolean
}

interface Standing extends ManifestStanding {
  /** Of facts, routes and signer: another one means that all are made anew. */
  readonly mark: string
  readonly files: ReadonlyMap<string, ServedFile>
}

/**
 * The manifests of a running hub. They are made once somebody asks, and anew when something of what they say has changed, or who signs
 * them. Kept in memory: after a restart they are made and signed again.
 */
export class Manifests {
  readonly #o: ManifestsOptions
  #standing: Standing | undefined
  #factsMark = ''
  #lookedAt = -Infinity
  #making: Promise<Standing> | undefined

  constructor(options: ManifestsOptions) {
    this.#o = options
  }

  /** Of those that were made last; undefined before anybody has asked. */
  get standing(): ManifestStanding | undefined {
    return this.#standing
  }

  /** The files by name, all of one making; `facts` tells how it is at this moment. */
  async files(facts: () => HubFacts, routes: readonly Answering[]): Promise<ReadonlyMap<string, ServedFile>> {
    // Who waits for what others began asks again: it may be older than what has changed meanwhile.
    while (this.#making !== undefined) await this.#making
    const now = facts()
    const factsMark = markOf(now, routes)
    const isDue = Math.abs(this.#o.nowMs() - this.#lookedAt) >= LOOK_AGAIN_MS
    if (this.#standing !== undefined && factsMark === this.#factsMark && !isDue) return this.#standing.files
    this.#making = this.#look(now, routes, factsMark).finally(() => (this.#making = undefined))
    return (await this.#making).files
  }

  /** The same, made and signed anew whatever has changed. */
  async renewed(
    facts: () => HubFacts,
    routes: readonly Answering[]
  ): Promise<ReadonlyMap<string, ServedFile>> {
    while (this.#making !== undefined) await this.#making
    this.#factsMark = ''
    if (this.#standing !== undefined) this.#standing = { ...this.#standing, mark: '' }
    return await this.files(facts, routes)
  }

  async #look(facts: HubFacts, routes: readonly Answering[], factsMark: string): Promise<Standing> {
    const { nowMs, onUnsigned, signer } = this.#o
    let failure: unknown
    const by = await signer().catch((error: unknown) => {
      failure = error
      return undefined
    })
    const signedBy = by && signedByOf(by)
    const mark = `${factsMark}\n${JSON.stringify(signedBy)}`
    const before = this.#standing
    if (mark !== before?.mark) {
      // Later than the one before, whatever the clock does.
      const updated = new Date(Math.max(nowMs(), Date.parse(before?.updated ?? '') + 1 || 0)).toISOString()
      const made = { facts, routes, updated, signedBy }
      const files = new Map<string, ServedFile>()
      for (const { name, type, text } of DOCUMENTS) add(files, name, type, Buffer.from(text(made)), made, by)
      if (by !== undefined)
        add(files, PUBLIC_KEY, PLAIN, Buffer.from(formatPublicKey(by.secretKey)), made, by)
      this.#standing = { updated, writeMode: facts.writeMode, isSigned: by !== undefined, mark, files }
      if (by === undefined && before?.isSigned !== false) onUnsigned(failure)
    }
    this.#factsMark = factsMark
    this.#lookedAt = nowMs()
    return this.#standing!
  }
}

const markOf = (facts: HubFacts, routes: readonly Answering[]): string =>
  JSON.stringify([facts, routes.map(({ method, path }) => `${method} ${path}`)])

function signedByOf(by: RoleSigner): SignedBy {
  const { node } = by.delegation.statement
  return { ...signedAs(by), node, delegation: formatDelegation(by.delegation).trimEnd() }
}

function add(
  files: Map<string, ServedFile>,
  name: string,
  type: string,
  bytes: Buffer,
  { facts, updated }: { readonly facts: HubFacts; readonly updated: string },
  by: RoleSigner | undefined
): void {
  files.set(name, served(bytes, type))
  if (by === undefined) return
  // As minisign writes it by itself, with the hub: a signature of one file is none of another.
  const trustedComment = `timestamp:${Math.floor(Date.parse(updated) / 1000)}\tfile:${name}\thub:${facts.hub}`
  const signature = signFile(by.secretKey, bytes, { trustedComment })
  files.set(`${name}.minisig`, served(Buffer.from(signature), PLAIN))
}

const served = (bytes: Buffer, type: string): ServedFile => ({
  bytes,
  type,
  etag: `"${createHash('sha256').update(bytes).digest('hex')}"`
})
