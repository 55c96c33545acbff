import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mailboxService } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { allow, linked, startHub } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { entriesIn } from './entries.fixture.ts'

const SHARE = { id: '5f1d09c4a7e24be08c3a6d2f90b1e7c8', name: 'admissions' }
const UTF8 = new TextDecoder()

const bodyOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const firstTenant = ({ node }: TestHub): string => node.capabilities().tenants()[0]!.id

const row = (hub: TestHub, dir: 'in' | 'out', topics: readonly string[]) => ({
  share: SHARE,
  dir,
  tenant: firstTenant(hub),
  topics
})

/** What `from` sends into the mailbox of `to` over their link; the error's code and reason where it is refused. */
async function send({ operator }: TestHub, { id }: TestHub, topic: string): Promise<unknown> {
  const { request, answer } = mailboxService.operations.send
  const { head, body } = request.encode('send', { topic, body: Buffer.from('bed 7') }, {})
  try {
    const payload = Buffer.concat([head, body])
    const came = await operator.links.relay({ hub: id, app: mailboxService.app, body: payload })
    return answer.decode(came).duplicate
  } catch (error) {
    const { code, reason } = error as OapError
    return [code, reason]
  }
}

describe('over a link', { timeout: 240_000 }, () => {
  test('a hub brings into a share what its treaty lets it, and no more; the log names it', async t => {
    const [clinic, ward] = [await startHub(t), await startHub(t)]
    await allow(clinic, ward)
    const treaty = { verbs: ['mailbox:send'], rows: [row(ward, 'in', ['admissions/**'])] }
    await ward.operator.federation.treaty_edit({ hub: clinic.id, body: bodyOf(treaty) })
    await linked(clinic, ward)

    assert.equal(await send(clinic, ward, 'admissions/today'), false)
    assert.deepEqual(await send(clinic, ward, 'private/x'), ['cap_denied', 'topic'])
    assert.deepEqual(await send(ward, clinic, 'admissions/today'), ['cap_denied', 'verb'])

    const tenant = firstTenant(ward)
    const received = ward.operator.mailbox.recv({ topic: 'admissions/today' }, { tenant })
    assert.equal(UTF8.decode((await received).items[0]?.body), 'bed 7')
    const refusals = (await entriesIn(ward.data)).filter(({ type }) => type === 'refusal')
    assert.deepEqual(
      refusals.map(({ actor, subject }) => [actor, subject]),
      [[`hub:${clinic.id}`, 'mailbox/send']]
    )
  })

  test('where both treaties differ is shown to either operator, from its own side', async t => {
    const [clinic, ward] = [await startHub(t), await startHub(t)]
    await allow(clinic, ward)
    const ours = { rows: [row(clinic, 'out', ['admissions/**'])] }
    const theirs = { window_s: 3600, rows: [row(ward, 'in', ['admissions/today'])] }
    await clinic.operator.federation.treaty_edit({ hub: ward.id, body: bodyOf(ours) })
    await ward.operator.federation.treaty_edit({ hub: clinic.id, body: bodyOf(theirs) })
    await linked(clinic, ward)

    const check = await clinic.operator.federation.treaty_check({ hub: ward.id, body: bodyOf(ours) })
    const shown = await ward.operator.federation.treaty_show({ hub: clinic.id })

    const said = ({ body }: { readonly body?: Uint8Array }): unknown =>
      (JSON.parse(UTF8.decode(body)) as { differences: unknown }).differences
    assert.equal(check.knows_theirs, true)
    assert.deepEqual(said(check), [
      { what: 'out', share: SHARE.id, here: ['admissions/**'], there: ['admissions/today'] },
      { what: 'window_s', here: 604_800, there: 3600 }
    ])
    assert.deepEqual(said(shown), [
      { what: 'in', share: SHARE.id, here: ['admissions/today'], there: ['admissions/**'] },
      { what: 'window_s', here: 3600, there: 604_800 }
    ])
  })
})
