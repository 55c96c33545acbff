import type { Uint8ArrayList } from 'uint8arraylist'

/** What a session needs of the stream below it. A libp2p stream fits as it is. */
export interface ByteStream {
  readonly status: string
  readonly readStatus: string
  readonly writableNeedsDrain: boolean
  readonly readBufferLength: number
  /** `closed` once the other side has ended its half; absent where the end is told to late listeners too. */
  readonly remoteWriteStatus?: string
  /** Where a stream that knows this member hands bytes that nobody waits in line before, in the place of an event. */
  onBytes?: ((bytes: Uint8Array | Uint8ArrayList) => void) | undefined
  /** False when `drain` must be awaited before more is sent. */
  send(bytes: Uint8Array | Uint8ArrayList): boolean
  pause(): void
  resume(): void
  close(): Promise<void>
  abort(error: Error): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  addEventListener(type: 'close', listener: (event: CloseEvent) => void): void
  addEventListener(type: 'drain' | 'remoteCloseWrite', listener: () => void): void
}

export interface MessageEvent {
  readonly data: Uint8Array | Uint8ArrayList
}

export interface CloseEvent {
  readonly error?: Error
}
