import type { Static, TObject } from 'typebox'
import type { Caller } from '../ams/access/index.ts'
import type { AmsRoute } from '../ams/routes/index.ts'
import type { Effect } from '../guards/shed.ts'
import type { InnerCalls } from './inner-calls.ts'
import type { CallParts } from './parts.ts'
import { needsToken } from './stand-in.ts'

/** A request that was found to be well formed. Who asks may still be refused by the guards of the call that it becomes. */
export interface CallAsked<Q = unknown> {
  /** What stands in the place of the name in the path; empty for a path without one. Any text. */
  readonly name: string
  readonly query: Q
  /** The query as it was sent, with its question mark; empty without one. */
  readonly search: string
  /** As it came, at most `maxBodyBytes`; empty where the row streams it. */
  readonly body: Uint8Array
  /** The body as it comes, where the row streams it. */
  readonly pieces: AsyncIterable<Uint8Array>
  readonly header: (name: 'content-type' | 'if-none-match' | 'if-range' | 'range') => string | undefined
  readonly isHead: boolean
  readonly requestId: string
  readonly caller: Caller
  /** The node's own services, in the name of who asks. */
  readonly calls: InnerCalls
  /** What every call of this request is made with: it ends when the caller goes away. */
  readonly options: { readonly signal: AbortSignal; readonly trace?: string }
}

/** Bytes that go out as fast as they are taken. */
export interface Outgoing {
  /** Undefined where it is known only at the end. */
  readonly length?: number | undefined
  readonly pieces: AsyncIterable<Uint8Array>
  /** It ends with its reader, or with the node. */
  readonly isEndless?: boolean
}

export interface CallAnswer {
  readonly status: number
  /** A JSON object without its `ok`; none with `bytes`, and none for 304. */
  readonly body?: object
  readonly bytes?: Outgoing
  readonly headers?: Readonly<Record<string, string>>
}

/** One method of one path, as rows of the AMS surface are, that becomes a call to a service of this node. */
export interface CallRoute extends Omit<AmsRoute, 'answer'> {
  /** What a capability must allow; callers without one need the row's role, and what that stands for. */
  readonly verb: string
  /** What the operation does, where it does more than read. */
  readonly effect?: Effect
  /** The body is read piece by piece. */
  readonly isStreamed?: boolean
  readonly answer: (parts: CallParts, asked: CallAsked) => Promise<CallAnswer>
}

interface Row<S extends TObject> extends Omit<CallRoute, 'query' | 'answer' | 'takes' | 'maxBodyBytes'> {
  readonly takes?: AmsRoute['takes']
  readonly maxBodyBytes?: number
  readonly query: S
  readonly answer: (parts: CallParts, asked: CallAsked<Static<S>>) => Promise<CallAnswer>
}

/** A row of the table, whose answer gets the query as its schema says. */
export const callRoute = <S extends TObject>({
  takes = 'nothing',
  maxBodyBytes = 0,
  ...row
}: Row<S>): CallRoute => ({
  ...row,
  takes,
  maxBodyBytes,
  needsToken: needsToken(row.verb),
  // The plugin reads the query by this row's schema before it asks.
  answer: row.answer as CallRoute['answer']
})

/** Of a body that has none. */
export const NO_PIECES: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) })
}
