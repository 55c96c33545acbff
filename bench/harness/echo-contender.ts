import type { EchoClient } from './load.ts'

/** What a file of `baselines/`, `alternatives/` or `ours/` exports: both ends of one echo. */
export interface EchoEnds {
  readonly listen: (options: EchoOptions) => Promise<EchoServer>
  readonly dial: (address: string, options: EchoOptions) => Promise<EchoClient>
}

export interface EchoOptions {
  readonly messageBytes: number
  /** The server answers after 0 to 5 turns of its event loop, at random. */
  readonly jitter: boolean
  /** Path of a foreign program that the server starts, when it needs one. */
  readonly program?: string
  /** Which of its settings the server has, when there are several. */
  readonly variant?: string
}

export interface EchoServer {
  readonly address: string
  /** Foreign processes that work for this server; their CPU time counts as its own. */
  readonly helpers?: readonly number[]
  close(): unknown
}

export interface EchoContender {
  readonly name: string
  readonly ends: URL
  readonly jitter?: boolean
  /** Of a request; without it 128. */
  readonly messageBytes?: number
  /** Makes ready what the contender needs; throws `NotAvailable` when it cannot be had. */
  readonly prepare?: () => Promise<Pick<EchoOptions, 'program' | 'variant'>>
}

export class NotAvailable extends Error {}
