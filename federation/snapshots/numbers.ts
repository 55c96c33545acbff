const MIB = 1024 * 1024

/** Bounds of seals and snapshots. @see specs/federation-snapshots.md, section 7 */
export const SNAPSHOTS = {
  /** Of `sha256.json`, in bytes. */
  sealBytes: 2 * MIB,
  /** Of its signature file. */
  signatureBytes: 4096,
  items: 4096,
  itemBytes: 2 ** 40,
  pathChars: 255,
  pathSegments: 8,
  /** Of the line of a snapshot. */
  lineChars: 524_288,
  /** All files of a snapshot's folder together, and so its package. */
  packageBytes: 4 * MIB,
  /** Files of a snapshot's folder, the two of the seal included. */
  packageFiles: 64,
  shares: 1024,
  manifests: 61,
  /** How long a snapshot may be good. */
  mostValidS: 400 * 86_400,
  /** How far the clocks of two hubs may lie apart. */
  skewS: 60
} as const
