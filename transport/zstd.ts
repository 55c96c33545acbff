import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const WINDOW_LOG_MAX = 23
const FAST_LEVEL = 1

/** zstd as `protocols/` takes it, by Node. */
export const zstd = {
  /** The content of one frame; undefined as soon as more than `maxBytes` come out. Throws for what is not zstd. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
    if (maxBytes < 1) return undefined
    try {
      return zstdDecompressSync(bytes, {
        maxOutputLength: maxBytes,
        params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX }
      })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined
      throw error
    }
  },
  /** One frame of `bytes`. */
  deflate: (bytes: Uint8Array): Uint8Array =>
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: FAST_LEVEL } })
} as const
