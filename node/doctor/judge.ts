import { join } from 'node:path'

/** `wrong` keeps a node from doing what it should, `warn` will or may; `unknown` could not be looked at. */
export type Standing = 'ok' | 'warn' | 'wrong' | 'unknown'

export interface Finding {
  readonly check: string
  readonly is: Standing
  /** One line; of what is wrong, with the way out. */
  readonly message: string
}

/** What one look found, before its check is named. */
export type Found = Omit<Finding, 'check'>

/** A command to run, where to look, or a key of the configuration to set. */
export type WayOut = `run: ${string}` | `see: ${string}` | `set: ${string}`

export const ok = (message: string): Found => ({ is: 'ok', message })
export const warn = (what: string, wayOut: WayOut): Found => ({ is: 'warn', message: `${what}: ${wayOut}` })
export const wrong = (what: string, wayOut: WayOut): Found => ({ is: 'wrong', message: `${what}: ${wayOut}` })
export const unknown = (message: string): Found => ({ is: 'unknown', message })

const SLACK_MS = 60_000
const SOON_S = 30 * 24 * 3600
/** Files, sockets of operators, and what is open for a moment. */
const OTHER_DESCRIPTORS = 256
const MIB = 1024 * 1024

/** A clock that is behind what lies in the folder was put back; with it tokens and treaties are good again. Unix ms. */
export function judgeClock(
  nowMs: number,
  newest: { readonly path: string; readonly mtimeMs: number }
): Found {
  const ahead = newest.mtimeMs - nowMs
  if (ahead <= SLACK_MS) return ok(new Date(nowMs).toISOString())
  return wrong(
    `${newest.path} was written ${Math.round(ahead / 1000)} s from now, so the clock was put back`,
    'run: timedatectl set-ntp true'
  )
}

/** @param least below which a node takes no writes */
export function judgeDisk(freeBytes: number, least: number, folder: string): Found {
  const text = `${Math.floor(freeBytes / MIB)} MiB free`
  if (freeBytes < least)
    return wrong(
      `${text}, and below ${Math.ceil(least / MIB)} MiB no writes are taken: make room for ${folder}`,
      'set: limits.minFreeDiskBytes lower, if that cannot be'
    )
  return freeBytes < 4 * least
    ? warn(`${text}: make room for ${folder} soon`, `see: du -sh ${join(folder, '*')}`)
    : ok(text)
}

/** @param open of the process that it is about, where one runs */
export function judgeDescriptors(limit: number, connections: number, open: number | undefined): Found {
  const needed = connections + OTHER_DESCRIPTORS
  const text = `open files: ${open === undefined ? `at most ${limit}` : `${open} of ${limit} in use`}`
  if (limit < needed)
    return wrong(
      `${text}, and connections may need ${needed}`,
      `set: LimitNOFILE= of its unit or ulimit -n to ${needed}, or transport.maxConnections lower`
    )
  return open !== undefined && open > limit * 0.8
    ? warn(text, 'set: LimitNOFILE= of its unit, or ulimit -n, higher')
    : ok(text)
}

/** @param bound of the process by its system, or undefined @param needed what its heap and its buffers may take together */
export function judgeMemory(bound: number | undefined, needed: number): Found {
  if (bound === undefined) return ok('memory: no bound but that of the machine')
  const text = `memory: at most ${Math.floor(bound / MIB)} MiB`
  return bound < needed
    ? warn(
        `${text}, and heap and buffers may take ${Math.ceil(needed / MIB)} MiB: it would be killed`,
        `set: MemoryMax= of its unit, or NODE_OPTIONS=--max-old-space-size= lower`
      )
    : ok(text)
}

/** Whether one caller over HTTP may take all. @param isExposed where others than programs of this machine may call */
export function judgeRates(isLimited: boolean, isExposed: boolean): Found {
  const wayOut = 'set: gateway.rate_limits = true'
  if (isLimited) return ok('rates over HTTP: limited')
  return isExposed
    ? wrong('gateway.rate_limits is off, and others reach HTTP: one caller may take all', wayOut)
    : warn('gateway.rate_limits is off: one program of this machine may take all', wayOut)
}

/** What an operator does about a hub without a link. */
const OF_LINKS: readonly (readonly [RegExp, (at: LinkPlace) => WayOut])[] = [
  [
    /no address/,
    ({ command, hub }) => `run: ${command('peer', 'edit', hub, '--address', '/dns4/HOST/tcp/PORT')}`
  ],
  [/^not (?:dialled|tried) yet/, ({ command }) => `run: ${command('doctor')} again in a minute`],
  [
    /^not reached/,
    ({ command, hub }) => `see: ${command('peer', 'show', hub)} for its address, and ask its operator`
  ],
  [
    /other hub refused: not_allowlisted/,
    ({ command }) => `run: ${command('key', 'show')} and have its operator add that hub id`
  ],
  [/clock|skew/, () => 'run: timedatectl set-ntp true']
]

interface LinkPlace {
  readonly hub: string
  /** A command line of omnigate about this node. */
  readonly command: (...words: string[]) => string
}

/** @param why there is no link, as the node says it */
export function judgeLink(at: LinkPlace, link: string, why: string): Found {
  const [, wayOut] = OF_LINKS.find(([pattern]) => pattern.test(why)) ?? []
  return warn(
    `${at.hub}: link ${link}${why === '' ? '' : `: ${why}`}`,
    wayOut?.(at) ?? `see: ${at.command('peer', 'show', at.hub)} and docs/federation.md`
  )
}

/** What the node lacks until it is ready. */
const OF_PARTS: readonly (readonly [RegExp, WayOut])[] = [
  [/disk/, 'set: limits.minFreeDiskBytes lower, or make room on the disk'],
  [/event_loop|heap|calls|late|store_ms|pressure|shedding/, 'see: docs/operating.md#quota-storm']
]

/** @param lacks names of what is missing @param status a command that shows it */
export const wayOutOf = (lacks: readonly string[], status: string): WayOut =>
  OF_PARTS.find(([pattern]) => lacks.some(name => pattern.test(name)))?.[1] ??
  `see: ${status} and the lines of the level error in its log`

/** A memory.max of a control group in bytes; undefined where it is none, or says max. */
export function memoryBound(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined
}

/** How long the hub key speaks for a key. Unix seconds. @param command that has it speak for longer */
export function judgeDelegation(
  { role, node, notAfter }: { readonly role: string; readonly node: string; readonly notAfter: number },
  nowS: number,
  command: string
): Found {
  const wayOut: WayOut = `run: ${command}`
  const what = `the ${role} key of ${node}`
  if (notAfter < nowS) return wrong(`${what} speaks for the hub no more`, wayOut)
  const days = Math.floor((notAfter - nowS) / 86_400)
  return notAfter - nowS < SOON_S
    ? warn(`${what} speaks for the hub ${days} d more`, wayOut)
    : ok(`${what}, ${days} d`)
}

/** The soft limit of open files in the text of /proc/PID/limits; undefined where it is not there. */
export function descriptorLimit(limits: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits) ?? []
  return soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft)
}
