import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Hub } from './hub.ts'

/** The other operator confirms what this one reads out. */
async function pair(inviter: Hub, accepter: Hub): Promise<string> {
  const { code } = await inviter.says('peer', 'invite', '--no-wait')
  const { fingerprint } = await accepter.says('peer', 'accept', String(code))
  const { waiting } = await inviter.says('peer', 'confirm')
  const [shown] = waiting as { hub: string; fingerprint: string }[]
  assert.deepEqual([shown?.hub, shown?.fingerprint], [accepter.id, fingerprint])
  const text = String(fingerprint)
  await inviter.says('peer', 'confirm', accepter.id, '--fingerprint', text)
  await accepter.says('peer', 'confirm', inviter.id, '--fingerprint', text)
  return text
}

const echo = (from: Hub, to: Hub, text: string) => from.says('echo', '--hub', to.id, '--text', text)

test('two hubs in two processes pair by commands, call each other, and come back when one is killed', async () => {
  await using a = await Hub.start()
  await using b = await Hub.start()

  const fingerprint = await pair(a, b)
  await Promise.all([a.link(b, 'up'), b.link(a, 'up')])
  assert.match(fingerprint, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  assert.equal((await echo(a, b, 'there'))['equal'], true)
  assert.equal((await echo(b, a, 'and back'))['equal'], true)

  await a.kill()
  await b.link(a, 'down')
  await a.run()
  await Promise.all([a.link(b, 'up'), b.link(a, 'up')])
  assert.equal((await echo(b, a, 'again'))['equal'], true)

  await b.kill()
  await b.run()
  await Promise.all([a.link(b, 'up'), b.link(a, 'up')])
  assert.equal((await echo(a, b, 'once more'))['equal'], true)

  await a.says('peer', 'remove', b.id)
  await b.link(a, 'down')
  await assert.rejects(echo(b, a, 'gone'), /no link/)
})

test('a treaty that is edited holds from the next call on', async () => {
  await using a = await Hub.start()
  await using b = await Hub.start()
  await b.says('peer', 'add', a.id)
  await a.says('peer', 'add', b.id, '--address', b.address)
  await a.link(b, 'up')
  assert.equal((await echo(a, b, 'allowed'))['equal'], true)
  const file = `${b.data}.treaty.json`
  await writeFile(file, JSON.stringify({ verbs: [] }))

  await b.says('treaty', 'edit', a.id, '--file', file)

  await assert.rejects(echo(a, b, 'refused'), /cap_denied/)
  assert.equal((await echo(b, a, 'the other way'))['equal'], true)
})
