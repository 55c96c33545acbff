import { bulkTable } from '../bulk-service.ts'
import { Honest } from '../honest.ts'
import { KNOWN_NETWORK } from '../target-messages.ts'
import { answerParent } from './helper-process.ts'

export interface FastRead {
  readonly megabytesPerSecond: number
}

const [target] = process.argv.slice(2) as [string]
const peer = await Honest.connect(target, `${KNOWN_NETWORK}1`)

answerParent({
  read: async ({ bytes }: { bytes: number }): Promise<FastRead> => {
    const since = performance.now()
    const { body } = await peer.client(bulkTable).pour({ bytes })
    let read = 0
    for await (const piece of body) read += piece.length
    if (read !== bytes) throw new Error(`pour: ${read} bytes came, not ${bytes}`)
    return { megabytesPerSecond: bytes / 1e3 / (performance.now() - since) }
  }
})
