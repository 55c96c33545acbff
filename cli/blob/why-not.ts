import type { AdminClient } from '../../node/index.ts'
import { columns, printable } from '../terminal.ts'

type Report = Awaited<ReturnType<AdminClient['dht']['fetch_report']>>

/** What the node of a data folder says of its last fetch of a blob; undefined where it made none. */
export async function whyNot(data: string, cid: string): Promise<Report | undefined> {
  const { connectAdmin } = await import('../../node/admin/admin-client.ts')
  try {
    await using admin = await connectAdmin(data)
    return await admin.dht.fetch_report({ cid })
  } catch {
    // The failure that is explained is told all the same.
    return undefined
  }
}

/** Who was asked, how far each came, and why it stopped. */
export function whyNotText({ providers, searches }: Report): string {
  const rows = providers.map(({ peer, via, bytes, reached, ended, detail }) => [
    peer,
    via,
    `${bytes} bytes${reached === undefined ? '' : `, to byte ${reached}`}`,
    printable([ended, detail].filter(text => text !== undefined).join(': '))
  ])
  const asked =
    rows.length === 0
      ? 'no linked hub says to have it, and the DHT names nobody'
      : columns([['ASKED', 'BY', 'CAME', 'ENDED'], ...rows])
  return [asked, ...searches.map(note => printable(note))].join('\n')
}
