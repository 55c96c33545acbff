import { readFileSync } from 'node:fs'

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

export function rssBytesOf(pid: number): number {
  return rssBytesInStatus(readFileSync(`/proc/${pid}/status`, 'latin1'))
}

export function rssBytesInStatus(status: string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error('status: no VmRSS in it')
  return Number(kilobytes) * 1024
}
