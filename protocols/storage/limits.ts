/** @see specs/storage.md, Numbers */
export const STORAGE_LIMITS = {
  /** Of one leaf, whatever the profile. */
  leafBytes: 1_048_576,
  /** Of one node: 1024 links with lengths of 2^53 - 1 fit. */
  nodeBytes: 65_536,
  links: 1024,
  /** Blocks on the way from the root to a leaf, both included. */
  levels: 8,
  chunkBytes: 65_536,
  cidTextBytes: 128,
  hasCids: 1024,
  hasPartial: 32,
  hasRanges: 32,
  listBlobs: 128,
  listBlobsDefault: 64,
  providers: 20,
  providerAddresses: 8,
  addressBytes: 255,
  contentTypeBytes: 127,
  /** A hundred years. */
  ttlS: 3_153_600_000
} as const

/** How plain bytes are divided: the size of all leaves but the last, and how many links a node has. */
export interface Profile {
  readonly leafBytes: number
  readonly links: number
}

/** By the name that a request gives; `omnigate-v1` is meant when it gives none. @see specs/storage.md, section 2.3 */
export const PROFILES = {
  'omnigate-v1': { leafBytes: 65_536, links: 1024 },
  'unixfs-v1-2025': { leafBytes: 1_048_576, links: 1024 }
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES

export const DEFAULT_PROFILE: ProfileName = 'omnigate-v1'
