import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '../audit/index.ts'
import { openLevel } from '../stores/level.ts'
import { TokenAudit } from './token-audit.ts'

const ops = { name: 'ops', role: 'admin', sha256: 'aa'.repeat(32) } as const
const bot = { name: 'bot', role: 'write', sha256: 'bb'.repeat(32) } as const
const SECRET = Buffer.alloc(32, 7)

test('tokens that came, went or changed are told once each, also what happened while the node was stopped', async () => {
  const level = await openLevel('memory')
  const events: AuditEvent[] = []
  const audit = (): TokenAudit => new TokenAudit({ level }, SECRET, async event => void events.push(event))
  const told = (): unknown[] =>
    events.splice(0).map(({ content: { data } }) => [data['change'], data['role']])

  await audit().tell({ list: [ops, bot] })
  assert.deepEqual(told(), [
    ['add', 'admin'],
    ['add', 'write']
  ])
  await audit().tell({ list: [ops, bot] })
  assert.deepEqual(told(), [])
  await audit().tell({ list: [{ ...bot, role: 'read' }] })

  assert.deepEqual(told(), [
    ['remove', 'admin'],
    ['change', 'read']
  ])
})

test('what could not be told is told later', async () => {
  const level = await openLevel('memory')
  let isOpen = false
  const events: AuditEvent[] = []
  const audit = new TokenAudit({ level }, SECRET, async event => {
    if (!isOpen) throw new Error('the log is not open')
    events.push(event)
  })
  const tokens = { list: [ops] }

  await assert.rejects(audit.tell(tokens))
  assert.equal(audit.isTold(tokens), false)
  isOpen = true
  await audit.tell(tokens)

  assert.equal(audit.isTold(tokens), true)
  assert.deepEqual(
    events.map(({ content: { type, actor } }) => [type, actor]),
    [['token', 'local']]
  )
  assert.ok(!JSON.stringify(events.map(({ content }) => content)).includes(ops.sha256))
})

test('a log that is slow is told of a change once, however often it is called meanwhile', async () => {
  const level = await openLevel('memory')
  const [entered, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let count = 0
  const audit = new TokenAudit({ level }, SECRET, async () => {
    count++
    entered.resolve()
    await written.promise
  })
  const [tokens, later] = [{ list: [ops] }, { list: [ops, bot] }]

  const first = audit.tell(tokens)
  await entered.promise
  const meanwhile = [audit.tell(tokens), audit.tell(later)]
  written.resolve()
  await Promise.all([first, ...meanwhile])

  assert.deepEqual([count, audit.isTold(tokens), audit.isTold(later)], [1, true, false])
  await audit.tell(later)
  assert.deepEqual([count, audit.isTold(later)], [2, true])
})

test('nobody can guess a token from the store: what is kept of it hangs on a secret that is not there', async () => {
  const rowsWith = async (secret: Uint8Array): Promise<string> => {
    const level = await openLevel('memory')
    await new TokenAudit({ level }, secret, async () => undefined).tell({ list: [ops] })
    return Buffer.concat(await level.values<string, Uint8Array>({ valueEncoding: 'view' }).all()).toString()
  }

  const [one, other] = [await rowsWith(SECRET), await rowsWith(Buffer.alloc(32, 8))]

  assert.match(one, /"name":"ops"/)
  for (const rows of [one, other]) assert.ok(!rows.includes(ops.sha256))
  assert.notEqual(one, other)
})
