import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

const ROWS = 64
const DURABLE: object = { sync: true }

/** A request is one synced batch of 64 rows, in this process. */
export async function listen(): Promise<EchoServer> {
  const address = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  return { address, close: () => rm(address, { recursive: true }) }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const level = new ClassicLevel<string, Uint8Array>(join(address, 'level'), { valueEncoding: 'view' })
  await level.open()
  const value = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  let count = 0
  return {
    request(answered) {
      const rows = Array.from({ length: ROWS }, () => ({
        type: 'put' as const,
        key: String(count++).padStart(26, '0'),
        value
      }))
      void level.batch(rows, DURABLE).then(
        () => answered(),
        (error: Error) => answered(error)
      )
    },
    close: () => level.close()
  }
}
