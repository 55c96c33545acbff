export const YAMUX = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
export const YAMUX_FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const
export const YAMUX_HEADER_BYTES = 12

export interface YamuxHeader {
  readonly version?: number
  readonly type: number
  readonly flag?: number
  readonly streamId: number
  readonly length: number
}

export function yamuxHeader({ version = 0, type, flag = 0, streamId, length }: YamuxHeader): Uint8Array {
  const bytes = Buffer.alloc(YAMUX_HEADER_BYTES)
  bytes[0] = version
  bytes[1] = type
  bytes.writeUInt16BE(flag, 2)
  bytes.writeUInt32BE(streamId, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}
