import { plainPlatform } from '../protocols/index.ts'
import type { Platform } from '../protocols/index.ts'
import { zstd } from '../transport/index.ts'

/** What `protocols/` needs, by Node: with zstd. */
export const nodePlatform: Platform = { ...plainPlatform, ...zstd }
