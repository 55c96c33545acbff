import { rssBytesOf } from './process-files.ts'

const SAMPLE_MS = 50

/** How many bytes the resident memory of a process rises, at most, while `work` goes on. */
export async function whileWatched<T>(
  pid: number,
  work: () => Promise<T>
): Promise<{ readonly result: T; readonly grownBytes: number }> {
  const first = rssBytesOf(pid)
  let peak = first
  const watch = setInterval(() => (peak = Math.max(peak, rssBytesOf(pid))), SAMPLE_MS)
  try {
    const result = await work()
    return { result, grownBytes: Math.max(peak, rssBytesOf(pid)) - first }
  } finally {
    clearInterval(watch)
  }
}
