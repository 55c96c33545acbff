import { mailboxService } from '../../../protocols/index.ts'
import type { VectorFrame } from '../../../specs/index.ts'
import { narrowed } from '../narrowed.ts'
import type { Step } from '../vectors.ts'
import { BODY, FOREIGN_TENANT, TOPIC_OF_NOBODY, asked, denied, messageFrame, stored } from './asked.ts'
import type { Header } from './asked.ts'
import type { FederationCase } from './federation-case.ts'
import { Talk, corrOf, refused } from './talk.ts'

const ECHO_APP = 1
const SHARE_NOBODY_HAS = 'f'.repeat(32)

const echo = (n: number, more: Partial<VectorFrame> = {}): Step => asked(n, ECHO_APP, { op: 'echo' }, more)
const echoed = (n: number): Step => ({ expect_answer: { corr_id: corrOf(n), code: 0, body: BODY } })

const send = (n: number, topic: string, more: Header = {}): Step => ({ send: messageFrame(n, topic, more) })

/** How a node that wants capabilities judges the calls of the runner's hub: what is allowed is so by the grant. */
export const GRANT_CASES: readonly FederationCase[] = [
  {
    id: 'link-claimed-tenant',
    about: 'a tenant that a call about no topic claims is 403 cap_denied, and says tenant',
    steps: parties => [
      ...new Talk(parties).all(),
      echo(3, { tenant: FOREIGN_TENANT }),
      denied(3, ECHO_APP, 'tenant')
    ]
  },
  {
    id: 'link-echo',
    about: 'echo is answered under the grant, on its connection and on no other of the same peer',
    steps: parties => [
      ...new Talk(parties).all(),
      echo(3),
      echoed(3),
      { connect: true },
      echo(1),
      refused(1, 401, 'cap_missing', ECHO_APP)
    ]
  },
  {
    id: 'link-garbage-token',
    about: 'a call with a token that is none is 401 cap_foreign, although the grant allows it',
    steps: parties => [
      ...new Talk(parties).all(),
      echo(3, { cap: Buffer.from('no token at all').toString('hex') }),
      denied(3, ECHO_APP, 'malformed', [401, 'cap_foreign'])
    ]
  }
]

/** The same with a token for echo:call. */
export const tokenCases = (token: Buffer): readonly FederationCase[] => [
  {
    id: 'link-narrow-token',
    about: 'a call with a token for another verb is 403 cap_denied, although the grant allows it',
    steps: parties => [
      ...new Talk(parties).all(),
      echo(3, { cap: narrowed(token, ['verb = other:verb']).toString('hex') }),
      denied(3, ECHO_APP, 'verb')
    ]
  }
]

/** A share of the topics under `prefix`, by its id. */
export interface NamedShare {
  readonly id: string
  readonly prefix: string
}

/** The name that says of a share that its tenant was removed: the treaty that travels does not. */
export const GONE = 'conformance-gone'

/** One that the runner's hub may send to, and others of the same treaty. */
export interface OpenShare extends NamedShare {
  /** One from which it is sent to. */
  readonly out?: NamedShare | undefined
  /** One that goes both ways. */
  readonly both?: NamedShare | undefined
  /** One whose tenant was removed. */
  readonly gone?: NamedShare | undefined
}

/** The same where the treaty has mailbox:send without mailbox:recv, and a share that this hub may send to. */
export const shareCases = ({ id, prefix }: OpenShare): readonly FederationCase[] => [
  {
    id: 'link-refused-verb',
    about: 'a verb that the treaty does not name is 403 cap_denied, and says verb',
    steps: parties => [
      ...new Talk(parties).all(),
      asked(3, mailboxService.app, { op: 'recv', topic: `${prefix}x`, ack: 'auto' }),
      denied(3, mailboxService.app, 'verb')
    ]
  },
  {
    id: 'link-send',
    about: 'a message to a topic of the share is taken, whether the call names the share or not',
    steps: parties => [
      ...new Talk(parties).all(),
      send(3, `${prefix}x`),
      stored(3),
      send(4, `${prefix}x`, { share: id }),
      stored(4)
    ]
  },
  {
    id: 'link-send-elsewhere',
    about: 'a topic of no share is 403 cap_denied, and says topic; a share that is none says share',
    steps: parties => [
      ...new Talk(parties).all(),
      send(3, TOPIC_OF_NOBODY),
      denied(3, mailboxService.app, 'topic'),
      send(4, `${prefix}x`, { share: SHARE_NOBODY_HAS }),
      denied(4, mailboxService.app, 'share')
    ]
  },
  {
    id: 'link-reply-elsewhere',
    about: 'a reply_topic outside the share of its call is 403 cap_denied',
    steps: parties => [
      ...new Talk(parties).all(),
      send(3, `${prefix}x`, { reply_topic: TOPIC_OF_NOBODY }),
      denied(3, mailboxService.app, 'topic')
    ]
  },
  {
    id: 'link-send-claimed-tenant',
    about: "another tenant in the frame than the share's is 403 cap_denied, and says tenant",
    steps: parties => [
      ...new Talk(parties).all(),
      asked(3, mailboxService.app, { op: 'send', topic: `${prefix}x` }, { tenant: FOREIGN_TENANT }),
      denied(3, mailboxService.app, 'tenant')
    ]
  }
]

/** The same where there is a share with the direction `out`. */
export const outCases = ({ id, prefix }: NamedShare): readonly FederationCase[] => [
  {
    id: 'link-send-other-way',
    about: 'a message to a share that goes the other way is 403 cap_denied, and says dir',
    steps: parties => [
      ...new Talk(parties).all(),
      send(3, `${prefix}x`),
      denied(3, mailboxService.app, 'dir'),
      send(4, `${prefix}x`, { share: id }),
      denied(4, mailboxService.app, 'dir')
    ]
  }
]

/** The same where the tenant of a share was removed. */
export const goneCases = ({ prefix }: NamedShare): readonly FederationCase[] => [
  {
    id: 'link-send-gone-tenant',
    about: 'a message to a share whose tenant was removed is 401 cap_revoked, and says tenant',
    steps: parties => [
      ...new Talk(parties).all(),
      send(3, `${prefix}x`),
      denied(3, mailboxService.app, 'tenant', [401, 'cap_revoked'])
    ]
  }
]
