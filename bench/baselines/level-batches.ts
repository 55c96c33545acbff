import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

const DURABLE: object = { sync: true }

/** The limit of a store over LevelDB: a row a message and nothing else, all that wait in one synced batch. */
export async function listen(): Promise<EchoServer> {
  const address = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  return { address, close: () => rm(address, { recursive: true }) }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const level = new ClassicLevel<string, Uint8Array>(join(address, 'level'), { valueEncoding: 'view' })
  await level.open()
  const value = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  let waiting: ((error?: Error) => void)[] = []
  let isWriting = false
  let count = 0
  const write = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      const answered = waiting
      waiting = []
      const rows = answered.map(() => ({
        type: 'put' as const,
        key: String(count++).padStart(26, '0'),
        value
      }))
      await level.batch(rows, DURABLE)
      for (const answer of answered) answer()
    }
    isWriting = false
  }
  return {
    request(answered) {
      waiting.push(answered)
      if (!isWriting) setImmediate(() => void (isWriting || write()))
    },
    close: () => level.close()
  }
}
