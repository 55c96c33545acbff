import type { FastifyReply } from 'fastify'
import { carHeader } from '../../protocols/index.ts'
import { blobHeaders } from './blob-headers.ts'
import type { Wanted } from './wanted.ts'

/** The identity CID of no bytes, by which readers find out that there is a trustless gateway. */
const PROBE = 'bafkqaaa'
const PROBE_CID = Uint8Array.of(0x01, 0x55, 0x00, 0x00)

export const isProbe = (text: string): boolean => text === PROBE

export async function answerProbe(reply: FastifyReply, wanted: Wanted, method: string): Promise<unknown> {
  const body = wanted.form === 'raw' ? new Uint8Array(0) : carHeader({ bytes: PROBE_CID })
  reply.headers(blobHeaders(PROBE, wanted))
  if (method === 'HEAD') reply.header('content-length', body.length)
  return await reply.send(method === 'HEAD' ? undefined : body)
}
