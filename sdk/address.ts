import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ConnectError } from './connect-error.ts'

const MAX_CHARS = 1024
const NOT_A_MULTIADDR = 'not a multiaddr; one looks like /ip4/127.0.0.1/tcp/4801/p2p/PEER_ID'
const TOO_LONG = `longer than ${MAX_CHARS} characters; one address looks like /ip4/127.0.0.1/tcp/4801/p2p/PEER_ID`

/** A multiaddr whose peer id, if it names one, is whole. @throws ConnectError `bad_address` */
export function parseAddress(text: string): Multiaddr {
  if (text.length > MAX_CHARS) throw new ConnectError('bad_address', `${text.slice(0, 40)}...`, TOO_LONG)
  const address = parsed(text, NOT_A_MULTIADDR, () => multiaddr(text))
  const components = address.getComponents()
  if (components.length === 0) throw new ConnectError('bad_address', text, NOT_A_MULTIADDR)
  for (const { code, value = '' } of components) {
    if (code !== CODE_P2P) continue
    const problem = `${value} is not a whole peer id; copy the address to its end, as the node printed it`
    parsed(text, problem, () => peerIdFromString(value))
  }
  return address
}

function parsed<T>(address: string, problem: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new ConnectError('bad_address', address, problem, { cause })
  }
}
