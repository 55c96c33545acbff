import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'

const START_MS = 10_000
const STREAM = 'bench'

/** A Redis that syncs its log before it answers, over a Unix socket of its own and without encryption. */
export async function listen({ program }: EchoOptions): Promise<EchoServer> {
  if (program === undefined) throw new Error('redis: no redis-server program given')
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const port = 20_000 + (process.pid % 20_000)
  const args = `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync always --save`
  const server = spawn(program, [...args.split(' '), ''], { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  process.once('exit', () => server.kill('SIGKILL'))
  await answers(port)
  return {
    address: `redis://127.0.0.1:${port}`,
    helpers: [server.pid!],
    async close() {
      server.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    }
  }
}

async function answers(port: number): Promise<void> {
  const until = performance.now() + START_MS
  for (;;) {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.ping()
      client.destroy()
      return
    } catch (error) {
      if (performance.now() > until) throw error
      await sleep(50)
    }
  }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const client = createClient({ url: address })
  await client.connect()
  const body = Buffer.from(new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3)))
  return {
    request: answered =>
      void client.xAdd(STREAM, '*', { body }).then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => client.close()
  }
}
