import { echoService } from 'omnigate/protocols'
import { connect, type NodeConnection } from 'omnigate/sdk'
import { answerParent } from '../harness/answering.ts'

const AT_ONCE = 2

const [address, encryption] = process.argv.slice(2) as [string, 'noise' | 'tls']
const connections: NodeConnection[] = []
const body = new Uint8Array(128).fill(7)

answerParent({
  open: async ({ connections: wanted }: { connections: number }) => {
    for (let left = wanted; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, () => openOne()))
    }
    return connections.length
  }
})

async function openOne(): Promise<void> {
  const connection = await connect(address, { encryption: [encryption] })
  connections.push(connection)
  if (connection.encryption !== encryption)
    throw new Error(`connected with ${connection.encryption}, not ${encryption}`)
  await connection.client(echoService).echo({ body })
}
