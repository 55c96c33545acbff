import type { TObject, TSchema } from 'typebox'
import type { Role } from '../ams/access/roles.ts'

/** What is said of one method of one path, in the table that `/openapi.json` is made of. */
export interface RouteRow {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** With `{name}` for whatever stands there. */
  readonly path: string
  /** What the caller must be at least. */
  readonly role: Role
  /** Whether that is never anybody without a token. */
  readonly needsToken?: boolean
  /** Whether requests are charged to no bucket. */
  readonly isUncharged?: boolean
  readonly takes: 'nothing' | 'json' | 'bytes'
  /** Longer bodies are refused while they are read; 0 where none is taken. */
  readonly maxBodyBytes: number
  readonly query: TObject
  /** Statuses of answers that are no problem. */
  readonly statuses: readonly number[]
  /** Of a body of JSON, as the document has it; of a row that takes bytes, of JSON that it takes, too. */
  readonly body?: TSchema
  /** Media type of such an answer, or what it is in JSON; any object if missing. */
  readonly gives?: string | TSchema
  /** Whether bytes are given, too, where they are asked for. */
  readonly givesBytes?: boolean
  readonly summary: string
}
