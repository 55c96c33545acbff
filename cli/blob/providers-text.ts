import type { Provider } from '../../protocols/index.ts'
import { columns, printable } from '../terminal.ts'

const VIA: Readonly<Record<Provider['via'], string>> = {
  here: 'this node',
  link: 'a linked hub',
  dht: 'the DHT'
}

/** Who has a blob, one line each. */
export const providersText = (providers: readonly Provider[]): string =>
  providers.length === 0
    ? 'nobody says to have it'
    : columns([
        ['PEER', 'BY', 'ADDRESS'],
        ...providers.map(({ peer, via, addresses }) => [
          printable(peer),
          VIA[via],
          printable(addresses[0] ?? '')
        ])
      ])
