import type { Static, TObject } from 'typebox'
import type { RouteRow } from '../../http/index.ts'
import type { Caller } from '../access/caller.ts'
import type { Pieces } from '../artifact-shelf.ts'
import type { Role } from '../access/roles.ts'
import type { AmsParts } from './parts.ts'

/** A request that was found to be well formed, from somebody who may make it. */
export interface Asked<Q = unknown> {
  /** What stands in the place of the name in the path; empty for a path without one. Any text. */
  readonly name: string
  readonly query: Q
  /** As it came, at most `maxBodyBytes`. */
  readonly body: Uint8Array
  /** Media type of the body, as it was sent. */
  readonly contentType: string | undefined
  /** `If-None-Match`, as it was sent. */
  readonly ifNoneMatch: string | undefined
  readonly caller: Caller
  /** Where it comes from: an IP address, or `local`. */
  readonly ip: string
  /** Its id, as its answer says it. */
  readonly requestId: string
  /** Its W3C traceparent. */
  readonly trace: string | undefined
  /** Demands more than the route does. @throws Problem `unauthorized`, `forbidden`, or what is shed at this moment */
  readonly needs: (role: Role) => void
}

export interface Answer {
  readonly status: number
  /** A JSON object, `ok` first; none with `text` or `bytes`, and none for 304. */
  readonly body?: object
  /** What is in memory, sent as it is; its type stands in `headers`. */
  readonly text?: Buffer
  readonly bytes?: Pieces
  readonly headers?: Readonly<Record<string, string>>
}

/** One method of one path. */
export interface AmsRoute extends RouteRow {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly answer: (parts: AmsParts, asked: Asked) => Promise<Answer>
}

interface Row<S extends TObject> extends Omit<AmsRoute, 'query' | 'answer' | 'takes' | 'maxBodyBytes'> {
  readonly takes?: AmsRoute['takes']
  readonly maxBodyBytes?: number
  readonly query: S
  readonly answer: (parts: AmsParts, asked: Asked<Static<S>>) => Promise<Answer>
}

/** A row of the table, whose answer gets the query as its schema says. */
export const route = <S extends TObject>({
  takes = 'nothing',
  maxBodyBytes = 0,
  ...row
}: Row<S>): AmsRoute => ({
  ...row,
  takes,
  maxBodyBytes,
  // The plugin reads the query by this row's schema before it asks.
  answer: row.answer as AmsRoute['answer']
})
