import { headerLines } from './header-lines.ts'

/** Names of this machine, which nobody else's name server gives out. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(\d{1,5}))?$/

/** Why a text is no host to answer to; undefined when it is: a name or address, with a port where only that is meant. */
export const hostProblem = (text: string): string | undefined =>
  HOST.test(text) ? undefined : 'must be a host in small letters: hub.example.org, [fd00::1]:8443'

/**
 * Whether a request is meant for this hub: it has one Host, and that is on the list, with its port where the list has one.
 * A page of another site that makes its name point here still sends its own name.
 */
export function isForUs(rawHeaders: readonly string[], hosts: ReadonlySet<string>): boolean {
  const [given = '', ...others] = headerLines(rawHeaders, 'host')
  const host = given.toLowerCase()
  const [, name] = HOST.exec(host) ?? []
  return name !== undefined && others.length === 0 && (hosts.has(name) || hosts.has(host))
}
