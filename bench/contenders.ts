import {
  checkTls,
  prepareKubo,
  prepareNatsServer,
  preparePackages,
  prepareRedisServer
} from './alternatives/prepare.ts'
import type { BlobContender } from './harness/blob-contender.ts'
import type { EchoContender } from './harness/echo-contender.ts'

const file = (path: string) => new URL(path, import.meta.url)

export const TCP: EchoContender = { name: 'tcp', ends: file('./baselines/tcp-echo.ts') }
export const PLAIN: EchoContender = { name: 'plain', ends: file('./baselines/stock-stream.ts') }
export const PLAIN_JITTERED: EchoContender = { ...PLAIN, name: 'plain jittered', jitter: true }
export const PLAIN_TUNED: EchoContender = { name: 'plain tuned', ends: file('./baselines/tuned-stream.ts') }
export const OURS: EchoContender = { name: 'ours', ends: file('./ours/oap-echo.ts') }
export const OURS_JITTERED: EchoContender = { ...OURS, name: 'ours jittered', jitter: true }

export function grpc(install: boolean): EchoContender {
  return {
    name: 'grpc',
    ends: file('./alternatives/grpc-echo.ts'),
    prepare: async () => {
      await preparePackages({ install })
      return {}
    }
  }
}

export function nats(install: boolean): EchoContender {
  return {
    name: 'nats',
    ends: file('./alternatives/nats-echo.ts'),
    prepare: async () => {
      await preparePackages({ install })
      return { program: await prepareNatsServer({ install }) }
    }
  }
}

const SEND_BYTES = 256

export const RAW_BATCHES: EchoContender = {
  name: 'raw batches',
  ends: file('./baselines/level-batches.ts'),
  messageBytes: SEND_BYTES
}
export const OUR_SENDS: EchoContender = {
  name: 'ours',
  ends: file('./ours/mailbox-sends.ts'),
  messageBytes: SEND_BYTES
}

const sends = (name: string, path: string): EchoContender => ({
  name,
  ends: file(path),
  messageBytes: SEND_BYTES
})
export const RAW_BATCH_OF_64 = sends('raw batch of 64', './baselines/level-batch-of-64.ts')
export const SEND_BATCH = sends('send_batch', './ours/mailbox-batches.ts')
export const RECV_AND_ACK = sends('recv and ack', './ours/mailbox-receives.ts')

/** JetStream with files, by its defaults or with `sync_interval: always`. */
export function jetStream(variant: 'default' | 'always', install: boolean): EchoContender {
  return {
    name: `jetstream ${variant}`,
    ends: file('./alternatives/jetstream-publish.ts'),
    messageBytes: SEND_BYTES,
    prepare: async () => {
      await preparePackages({ install })
      return { program: await prepareNatsServer({ install }), variant }
    }
  }
}

/** Redis that syncs before it answers, in the clear or over TLS. */
export function redis(variant: 'plain' | 'tls', install: boolean): EchoContender {
  return {
    name: variant === 'tls' ? 'redis over tls' : 'redis',
    ends: file('./alternatives/redis-xadd.ts'),
    messageBytes: SEND_BYTES,
    prepare: async () => {
      await preparePackages({ install })
      const program = await prepareRedisServer({ install })
      if (variant === 'tls') await checkTls(program)
      return { program, variant }
    }
  }
}

type Encryption = BlobContender['encryption']

export const plainBlob = (encryption: Encryption): BlobContender => ({
  name: `plain ${encryption}`,
  ends: file('./baselines/plain-blob.ts'),
  encryption
})
export const ourBlob = (encryption: Encryption): BlobContender => ({
  name: `ours ${encryption}`,
  ends: file('./ours/blob-reads.ts'),
  encryption
})

export const heliaBlob = (install: boolean): BlobContender => ({
  name: 'helia',
  ends: file('./alternatives/helia-blob.ts'),
  encryption: 'noise',
  prepare: async () => {
    await preparePackages({ install })
    return undefined
  }
})

export const kuboBlob = (install: boolean): BlobContender => ({
  name: 'kubo',
  ends: file('./alternatives/kubo-blob.ts'),
  encryption: 'tls',
  prepare: () => prepareKubo({ install })
})
