import type { Client, Hello, Method, Operation, Operations, ServiceTable } from '../protocols/index.ts'

/** How a client reaches its hub, over libp2p or over HTTP: each call is made once. What is made again is for `Calls`. */
export interface Wire {
  /** What capabilities for this client are bound to: its peer id, or `http`. */
  readonly self: string
  /** Aborts when the client is closed: whoever waits for anything of it need not wait on. */
  readonly closing: AbortSignal
  /** One operation as a function. Where the way has no place for it, each call throws what to do about that. */
  method<O extends Operation>(app: number, op: string, row: O): Method<O>
  /** What the node says of itself. */
  hello(): Promise<Hello>
  /** Resolves once a node answers. @throws ConnectError */
  connected(signal?: AbortSignal): Promise<unknown>
  close(): Promise<void>
}

/** The operations of a table as functions, each made once. */
export function methodsOf<O extends Operations>(table: ServiceTable<O>, wire: Wire): Client<O> {
  const methods = Object.entries(table.operations).map(([op, row]) => [op, wire.method(table.app, op, row)])
  return Object.fromEntries(methods) as Client<O>
}
