import { mailboxService } from '../../../protocols/index.ts'
import type { VectorFrame } from '../../../specs/index.ts'
import type { Step } from '../vectors.ts'
import type { Told } from './federation-case.ts'
import { corrOf } from './talk.ts'

export const FOREIGN_TENANT = 'a0b0c0d0-0000-4000-8000-00000000000f'
export const TOPIC_OF_NOBODY = 'conformance-elsewhere/topic'
export const BODY = '6869'
export const DENIED: Told = [403, 'cap_denied']

export type Header = Readonly<Record<string, unknown>>

/** A call of any app with a small body, unless it is given another one. */
export const askedFrame = (
  n: number,
  app: number,
  header: Header,
  more: Partial<VectorFrame> = {},
  body = BODY
): VectorFrame => ({
  flags: ['REQ', 'START', 'END'],
  app,
  corr_id: corrOf(n),
  payload: { record: { header: { utf8: JSON.stringify(header) }, body } },
  ...more
})

export const asked = (...given: Parameters<typeof askedFrame>): Step => ({ send: askedFrame(...given) })

/** A message to a topic. */
export const messageFrame = (
  n: number,
  topic: string,
  header: Header = {},
  more: Partial<VectorFrame> = {}
): VectorFrame => askedFrame(n, mailboxService.app, { op: 'send', topic, ttl_s: 60, ...header }, more)

/** A message was stored. */
export const stored = (n: number): Step => ({
  expect: { corr_id: corrOf(n), code: 0, json: { duplicate: false } }
})

/** A call that the grant or the capability does not allow, for this reason. */
export const denied = (n: number, app: number, reason: string, [status, code] = DENIED): Step => ({
  expect: { flags: ['RESP', 'END'], app, corr_id: corrOf(n), code: status, reason: code, json: { reason } }
})
