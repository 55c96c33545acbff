import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { durationS, momentS } from './moment.ts'
import { readBytes } from './quantity.ts'
import { appHex, appNamed } from './registry-names.ts'

/** What restricts a capability, in the words of a request to mint. */
export interface AskedCaveats {
  readonly verb?: string
  readonly topic?: string
  readonly app?: string
  readonly content?: string
  readonly peer?: string
  readonly ttl_s?: number
  readonly not_before?: number
  readonly renew_until?: number
  readonly rate?: number
  readonly streams?: number
  readonly max_bytes?: number
  readonly read_only?: boolean
}

export const VERB_OPTION: Option = {
  name: 'verb',
  value: 'V,V',
  summary: 'what may be called, such as echo:call',
  completes: 'nothing'
}

const RENEW: Option = {
  name: 'renew-until',
  value: 'T',
  summary: 'its holder may have it renewed, but no token of it lasts longer than this',
  completes: 'nothing'
}

export const CAVEAT_OPTIONS: readonly Option[] = [
  VERB_OPTION,
  { name: 'topic', value: 'T,T', summary: 'only topics of these patterns: dispatch/*', completes: 'nothing' },
  {
    name: 'app',
    value: 'A,A',
    summary: 'only services of these names or ids: echo, 0x0001',
    completes: 'nothing'
  },
  { name: 'content', value: 'CID,CID', summary: 'only these content ids', completes: 'nothing' },
  { name: 'peer', value: 'PEER_ID', summary: 'only this peer may use it; see whoami', completes: 'nothing' },
  { name: 'ttl', value: 'TIME', summary: 'how long it lasts: 90s, 15m, 24h', completes: 'nothing' },
  {
    name: 'not-before',
    value: 'T',
    summary: 'from when it is good: 2030-01-31T12:00Z, or 2h from now',
    completes: 'nothing'
  },
  RENEW,
  { name: 'rate', value: 'N', summary: 'calls a second, with all its copies together', completes: 'nothing' },
  {
    name: 'streams',
    value: 'N',
    summary: 'calls open at once that stream or subscribe',
    completes: 'nothing'
  },
  {
    name: 'max-bytes',
    value: 'N',
    summary: 'bytes of bodies in all its life: 500, 64KiB, 10MiB',
    completes: 'nothing'
  },
  { name: 'bytes', value: 'N', summary: 'the same as --max-bytes', completes: 'nothing' },
  { name: 'read-only', summary: 'nothing that changes anything' }
]

/** Of those options, what the command line gives. @throws CommandError `usage` */
export function askedCaveats(invocation: Invocation, nowS: number): AskedCaveats {
  const given = <T>(name: string, read: (text: string) => T): T | undefined => {
    const text = invocation.option(name)
    return text === undefined ? undefined : read(text)
  }
  const text = (name: string) => given(name, value => value.replaceAll(/,\s+/g, ','))
  const whole = (name: string) => given(name, value => wholeNumber(name, value))
  const at = (name: string) => given(name, value => momentS(name, value, nowS))
  const size = (name: string) => given(name, value => byteCount(name, value))
  return present({
    verb: text('verb'),
    topic: text('topic'),
    app: given('app', appList),
    content: text('content'),
    peer: text('peer'),
    ttl_s: given('ttl', value => durationS('ttl', value)),
    not_before: at('not-before'),
    renew_until: at('renew-until'),
    rate: whole('rate'),
    streams: whole('streams'),
    max_bytes: size('max-bytes') ?? size('bytes'),
    read_only: invocation.flag('read-only') || undefined
  })
}

/** @throws CommandError `usage` */
export function wholeNumber(option: string, text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (number > 0) return number
  throw new CommandError(EXIT.usage, `--${option} ${text}: must be a whole number from 1`)
}

/** @throws CommandError `usage` */
export function byteCount(option: string, text: string): number {
  const bytes = readBytes(text)
  if (bytes !== undefined && bytes > 0) return bytes
  throw new CommandError(
    EXIT.usage,
    `--${option} ${text}: write a number of bytes, as in 500, 64KiB or 10MiB`
  )
}

/** The id of a service, by its number or the name that the registry has for it. @throws CommandError `usage` */
export function appId(text: string): number {
  const id = /^0x[0-9a-f]{1,4}$/i.test(text) ? Number(text) : appNamed(text)
  if (id !== undefined) return id
  throw new CommandError(
    EXIT.usage,
    `--app ${text}: no service of this name is in the registry; give its id, as in 0x0001`
  )
}

const appList = (text: string): string =>
  text
    .split(',')
    .map(each => appHex(appId(each.trim())))
    .join(',')

/** The members that are there. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
