import { createHmac } from 'node:crypto'
import { tokenChanges } from '../ams/access/index.ts'
import type { KnownToken } from '../ams/access/index.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { NodeStore } from '../stores/node-store.ts'

const KEY = 'tokens'
const PURPOSE = 'omnigate tokens of the audit log'
const DURABLE: object = { sync: true }

interface Tokens {
  readonly list: readonly KnownToken[]
}

/**
 * The tokens that the audit log knows of, so that it is told what has changed, also while the node was stopped. After a crash it
 * may be told twice. Whoever can write to the store can hide a change. What it keeps of a token is no plain digest: a short one could
 * be guessed from that. With another secret, each token counts as changed.
 */
export class TokenAudit {
  readonly #store: Pick<NodeStore, 'level'>
  readonly #key: Buffer
  readonly #append: (event: AuditEvent) => Promise<void>
  #told: Tokens | undefined
  #isTelling = false

  /** @param secret of the node, which is not in the store */
  constructor(
    store: Pick<NodeStore, 'level'>,
    secret: Uint8Array,
    append: (event: AuditEvent) => Promise<void>
  ) {
    this.#store = store
    this.#key = createHmac('sha256', secret).update(PURPOSE).digest()
    this.#append = append
  }

  isTold(tokens: Tokens): boolean {
    return this.#told === tokens
  }

  /**
   * Resolves once the log has what has changed, or at once while another call is under way; rejects where it could not be told.
   * To be called again until `isTold`.
   */
  async tell(tokens: Tokens): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell(tokens)
    } finally {
      this.#isTelling = false
    }
  }

  async #tell(tokens: Tokens): Promise<void> {
    const rows = this.#store.level.sublevel<string, string>('node', { valueEncoding: 'utf8' })
    const text = await rows.get(KEY)
    const before = text === undefined ? [] : (JSON.parse(text) as readonly KnownToken[])
    const known = tokens.list.map(one => this.#known(one))
    const changes = tokenChanges(before, known)
    for (const { change, name, role } of changes)
      await this.#append(auditEvent('token', 'local', { change, name_sha256: commitment(name), role }))
    if (changes.length > 0) await rows.put(KEY, JSON.stringify(known), DURABLE)
    this.#told = tokens
  }

  #known({ name, role, sha256 }: KnownToken): KnownToken {
    return { name, role, sha256: createHmac('sha256', this.#key).update(sha256).digest('hex') }
  }
}
