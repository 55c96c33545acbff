import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuMicrosInSchedstat, cpuMicrosInStat, rssBytesInStatus } from './process-files.ts'

test('CPU time is user plus system ticks, also behind a process name with spaces and brackets', () => {
  const stat = '4711 (odd ) name) S 1 4711 4711 0 -1 4194304 900 0 0 0 250 30 0 0 20 0 11 0 5000 1000 300'

  assert.equal(cpuMicrosInStat(stat), 2_800_000)
})

test('a stat line without CPU times is refused', () => {
  assert.throws(() => cpuMicrosInStat('4711 (node) S 1'), /no CPU times/)
})

test('CPU time of a thread is read from nanoseconds', () => {
  assert.equal(cpuMicrosInSchedstat('360395 738145 2\n'), 360.395)
})

test('a schedstat file without CPU time is refused', () => {
  assert.throws(() => cpuMicrosInSchedstat(''), /no CPU time/)
})

test('resident memory is read from kilobytes into bytes', () => {
  assert.equal(rssBytesInStatus('Name:\tnode\nVmRSS:\t  131072 kB\nRssAnon:\t 5 kB\n'), 134_217_728)
})

test('a status file without resident memory is refused', () => {
  assert.throws(() => rssBytesInStatus('Name:\tkthread\n'), /no VmRSS/)
})
