import { multiaddr } from '@multiformats/multiaddr'

/** Why a text is no multiaddr; undefined when it is one. */
export function multiaddrProblem(text: string): string | undefined {
  if (text.length > 512) return 'longer than 512 characters: write /ip4/ADDRESS/tcp/PORT'
  if (!text.startsWith('/')) return 'not a multiaddr: write /ip4/ADDRESS/tcp/PORT'
  try {
    multiaddr(text)
    return undefined
  } catch {
    return `not a multiaddr: ${JSON.stringify(text)} is not of the form /ip4/ADDRESS/tcp/PORT`
  }
}

const LISTENABLE = new Set(['ip4,tcp', 'ip6,tcp', 'ip4,tcp,ws', 'ip6,tcp,ws'])

/** Why a node cannot listen on an address; undefined when it can. */
export function listenProblem(text: string): string | undefined {
  const problem = multiaddrProblem(text)
  if (problem !== undefined) return problem
  const shape = multiaddr(text)
    .getComponents()
    .map(({ name }) => name)
    .join()
  if (LISTENABLE.has(shape)) return undefined
  return `cannot listen on ${JSON.stringify(text)}: use /ip4 or /ip6 with /tcp/PORT, and /ws behind it for browsers`
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i

/** `ADDRESS:PORT`, IPv6 in brackets, port 0 for any free one; undefined for anything else, names included. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = HOST_PORT.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port > 65535 ? undefined : { host, port }
}

/** Why the HTTP listener may not use an address; undefined when it may. Which are reached from elsewhere is judged with the rest. */
export const httpListenProblem = (text: string): string | undefined =>
  parseHostPort(text) === undefined ? 'must be ADDRESS:PORT, for example 127.0.0.1:4803' : undefined
