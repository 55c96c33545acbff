import type { NodeConnection } from 'omnigate/sdk'
import { echoService } from 'omnigate/protocols'
import { BlobWork } from './blob-work.ts'
import { makeCalls } from './calls.ts'
import type { Outcome } from './calls.ts'
import { MailboxWork } from './mailbox-work.ts'

/** What a trial does over a broken link, and what must be true of it once the link is whole. */
export interface Work {
  /** Over the broken link; no outcome is left out. */
  under(hub: NodeConnection): Promise<Outcome[]>
  /** Over a whole link: what is lost or wrong; empty where all holds. */
  after(hub: NodeConnection): Promise<readonly string[]>
}

export type WorkName = keyof typeof WORKS

/** `calm` connects to the node past the proxy, for what must be there before. */
type Begin = (calm: () => Promise<NodeConnection>, seed: number) => Promise<Work>

/** By the name of the service. */
export const WORKS = {
  echo: async (_calm, seed) => ({
    under: hub => makeCalls(hub.client(echoService), seed),
    after: async () => []
  }),
  mailbox: async (_calm, seed) => new MailboxWork(seed),
  blob: (calm, seed) => BlobWork.begin(calm, seed)
} satisfies Readonly<Record<string, Begin>>
