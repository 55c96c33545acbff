/**
 * A shorter input for which `holds` is still true: parts are taken out, halves first, then bytes are set to 0x30.
 * Tries at most `tries` times; gives `bytes` itself when nothing shorter holds.
 */
export async function shrunk(
  bytes: Uint8Array,
  holds: (bytes: Uint8Array) => Promise<boolean>,
  tries = 2000
): Promise<Uint8Array> {
  const budget = { left: tries }
  const asks = async (candidate: Uint8Array): Promise<boolean> =>
    budget.left-- > 0 && (await holds(candidate))
  const shorter = await withoutParts(bytes, asks)
  return withPlainBytes(shorter, asks)
}

type Holds = (bytes: Uint8Array) => Promise<boolean>

async function withoutParts(bytes: Uint8Array, holds: Holds): Promise<Uint8Array> {
  let best = bytes
  for (let size = Math.max(1, best.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at < best.length;) {
      const candidate = new Uint8Array(best.length - Math.min(size, best.length - at))
      candidate.set(best.subarray(0, at))
      candidate.set(best.subarray(at + size), at)
      if (await holds(candidate)) best = candidate
      else at += size
    }
  }
  return best
}

const PLAIN = 0x30

async function withPlainBytes(bytes: Uint8Array, holds: Holds): Promise<Uint8Array> {
  let best = bytes
  for (let at = 0; at < best.length; at++) {
    if (best[at] === PLAIN) continue
    const candidate = best.slice()
    candidate[at] = PLAIN
    if (await holds(candidate)) best = candidate
  }
  return best
}
