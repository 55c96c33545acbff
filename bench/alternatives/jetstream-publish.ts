import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { EchoOptions, EchoServer } from '../harness/echo-contender.ts'
import type { EchoClient } from '../harness/load.ts'
import { startBroker } from './nats-broker.ts'

const SUBJECT = 'bench.sends'

/** A stream in files on the disk that the others use; `always` syncs each message, the default every two minutes. */
export async function listen({ program, variant }: EchoOptions): Promise<EchoServer> {
  if (program === undefined) throw new Error('jetstream: no nats-server program given')
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
  const sync = variant === 'always' ? '\n  sync_interval: always' : ''
  await writeFile(join(folder, 'nats.conf'), `jetstream {\n  store_dir: "${folder}/js"${sync}\n}\n`)
  const broker = await startBroker(program, ['--config', join(folder, 'nats.conf')])
  const manager = await connect({ servers: broker.address })
  await (await jetstreamManager(manager)).streams.add({ name: 'bench', subjects: [SUBJECT] })
  await manager.close()
  return {
    address: broker.address,
    helpers: [broker.pid],
    async close() {
      await broker.stop()
      await rm(folder, { recursive: true })
    }
  }
}

export async function dial(address: string, { messageBytes }: EchoOptions): Promise<EchoClient> {
  const client = await connect({ servers: address })
  const js = jetstream(client)
  const body = new Uint8Array(messageBytes).map((_, i) => (i * 7919) ^ (i >> 3))
  return {
    request: answered =>
      void js.publish(SUBJECT, body).then(
        () => answered(),
        (error: Error) => answered(error)
      ),
    close: () => client.close()
  }
}
