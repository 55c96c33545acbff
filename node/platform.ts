import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { plainPlatform } from '../protocols/index.ts'
import type { Platform } from '../protocols/index.ts'

const WINDOW_LOG_MAX = 23
const FAST_LEVEL = 1

/** What `protocols/` needs, by Node: with zstd. */
export const nodePlatform: Platform = {
  ...plainPlatform,
  inflate: (bytes, maxBytes) => {
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
  deflate: bytes => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: FAST_LEVEL } })
}
