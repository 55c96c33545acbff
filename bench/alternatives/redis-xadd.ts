import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { makeCertificate } from './certificate.ts'

const START_MS = 10_000
const STREAM = 'bench'

/** What a client needs to reach it: its URL and, over TLS, the certificate that it shows. */
interface Reach {
  readonly url: string
  readonly ca?: Buffer
}

/** A Redis that syncs its log before it answers, over a port of its own: in the clear, or for the variant `tls` over TLS. */
export async function listen({ program, variant }: EchoOptions): Promise<EchoServer> {
  if (program === undefined) throw new Error('redis: no redis-server program given')
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const port = 20_000 + (process.pid % 20_000)
  const isTls = variant === 'tls'
  const listens = isTls ? await tlsArguments(folder, port) : ['--port', String(port)]
  const kept = `--bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync always --save`
  const server = spawn(program, [...listens, ...kept.split(' '), ''], { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  process.once('exit', () => server.kill('SIGKILL'))
  const address = isTls
    ? `rediss://127.0.0.1:${port} ${join(folder, 'cert.pem')}`
    : `redis://127.0.0.1:${port}`
  await answers(await reachOf(address))
  return {
    address,
    helpers: [server.pid!],
    async close() {
      server.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    }
  }
}

/** Port 0 closes the one in the clear; clients show no certificate. */
async function tlsArguments(folder: string, port: number): Promise<string[]> {
  const { cert, key } = await makeCertificate(folder)
  const said = `--port 0 --tls-port ${port} --tls-cert-file ${cert} --tls-key-file ${key} --tls-auth-clients no`
  return said.split(' ')
}

async function reachOf(address: string): Promise<Reach> {
  const [url = '', cert] = address.split(' ')
  return cert === undefined ? { url } : { url, ca: await readFile(cert) }
}

const socketOf = ({ ca }: Reach) => (ca === undefined ? {} : { tls: true as const, ca })

async function answers(reach: Reach): Promise<void> {
  const until = performance.now() + START_MS
  for (;;) {
    const client = createClient({ url: reach.url, socket: { ...socketOf(reach), reconnectStrategy: false } })
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
  const reach = await reachOf(address)
  const client = createClient({ url: reach.url, socket: socketOf(reach) })
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
