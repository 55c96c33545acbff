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

export const ok = (message: string): Found => ({ is: 'ok', message })
export const warn = (message: string): Found => ({ is: 'warn', message })
export const wrong = (message: string): Found => ({ is: 'wrong', message })
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
    `${newest.path} was written ${Math.round(ahead / 1000)} s from now: set the clock right, for example with: timedatectl set-ntp true`
  )
}

/** @param least below which a node takes no writes */
export function judgeDisk(freeBytes: number, least: number, folder: string): Found {
  const text = `${Math.floor(freeBytes / MIB)} MiB free`
  if (freeBytes < least)
    return wrong(
      `${text}, and below ${Math.ceil(least / MIB)} MiB no writes are taken: make room for ${folder}`
    )
  return freeBytes < 4 * least ? warn(`${text}: make room for ${folder} soon`) : ok(text)
}

/** @param open of the process that it is about, where one runs */
export function judgeDescriptors(limit: number, connections: number, open: number | undefined): Found {
  const needed = connections + OTHER_DESCRIPTORS
  const text = open === undefined ? `at most ${limit}` : `${open} of ${limit} in use`
  if (limit < needed)
    return wrong(
      `${text}, and transport.maxConnections = ${connections} needs ${needed}: raise it with ulimit -n or LimitNOFILE=, or lower that`
    )
  return open !== undefined && open > limit * 0.8
    ? warn(`${text}: raise it with ulimit -n or LimitNOFILE=`)
    : ok(text)
}

/** How long the hub key speaks for a key. Unix seconds. @param command that has it speak for longer */
export function judgeDelegation(
  { role, node, notAfter }: { readonly role: string; readonly node: string; readonly notAfter: number },
  nowS: number,
  command: string
): Found {
  const wayOut = `run: ${command}`
  const what = `the ${role} key of ${node}`
  if (notAfter < nowS) return wrong(`${what} speaks for the hub no more: ${wayOut}`)
  const days = Math.floor((notAfter - nowS) / 86_400)
  return notAfter - nowS < SOON_S
    ? warn(`${what} speaks for the hub ${days} d more: ${wayOut}`)
    : ok(`${what}, ${days} d`)
}

/** The soft limit of open files in the text of /proc/PID/limits; undefined where it is not there. */
export function descriptorLimit(limits: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits) ?? []
  return soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft)
}
