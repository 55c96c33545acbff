import { readFileSync, readdirSync } from 'node:fs'

/** Clock ticks a second in /proc/PID/stat: fixed at 100 for user space on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU microseconds (user and system) that the process has used so far, in steps of 10 ms. */
export function cpuMicrosOf(pid: number): number {
  return cpuMicrosInStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}

export function cpuMicrosInStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  if (!Number.isInteger(ticks)) throw new Error('stat: no CPU times in it')
  return (ticks * 1_000_000) / TICKS_PER_SECOND
}

/** CPU microseconds of the threads that the process has now: finer than the ticks of `cpuMicrosOf`. */
export function threadsCpuMicrosOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + threadCpuMicros(pid, thread), 0)
}

function threadCpuMicros(pid: number, thread: string): number {
  try {
    return cpuMicrosInSchedstat(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))
  } catch (error) {
    // It has ended since it was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0
    throw error
  }
}

export function cpuMicrosInSchedstat(schedstat: string): number {
  const nanos = /^\d+(?= )/.exec(schedstat)?.[0]
  if (nanos === undefined) throw new Error('schedstat: no CPU time in it')
  return Number(nanos) / 1000
}

export function rssBytesOf(pid: number): number {
  return rssBytesInStatus(readFileSync(`/proc/${pid}/status`, 'latin1'))
}

export function rssBytesInStatus(status: string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error('status: no VmRSS in it')
  return Number(kilobytes) * 1024
}
