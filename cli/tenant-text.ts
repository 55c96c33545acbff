import type { TenantRow } from '../protocols/index.ts'
import { dateText } from './moment.ts'
import { bytesText } from './quantity.ts'
import { facts } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** A tenant, a line for each thing there is to know. */
export function tenantText(tenant: TenantRow, terminal: Terminal): string {
  const { id, name, state, added_at, calls_per_second, burst, bytes_per_second, apps } = tenant
  const own = apps === '' ? [] : apps.split(',')
  return facts(
    [
      ['tenant', name],
      ['id', id],
      ['state', state],
      ['added', dateText(added_at)],
      ['each app', limitsText(calls_per_second, burst, bytes_per_second)],
      ...own.map(text => ['but app', appLimits(text)] as const)
    ],
    terminal
  )
}

/** `1000 calls/s, 2000 at once, 64.0 MiB/s`. */
export const limitsText = (calls: number, burst: number, bytes: number): string =>
  `${calls} calls/s, ${burst} at once, ${bytesText(bytes)}/s`

/** The limits of one app, from `0x0201 CALLS/s BURST BYTES/s`. */
function appLimits(text: string): string {
  const [app = '', calls = '', burst = '', bytes = ''] = text.split(' ')
  return `${app}: ${limitsText(parseInt(calls), parseInt(burst), parseInt(bytes))}`
}
