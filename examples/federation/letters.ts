import { brief, eventually, msSince, must, tell } from './told.ts'
import { SHARE } from './pair.ts'
import type { Hub } from './hub.ts'

const TOPIC = 'dispatch/letters'
const REPLIES = 'replies'

interface Came {
  readonly text: string
  readonly attrs: Readonly<Record<string, string>>
}

/** A message from one hub to another, and the receipt that the other signs once it has it on its disk. */
export async function letters(from: Hub, to: Hub): Promise<void> {
  const since = performance.now()
  await post(from, to, 'a passenger for the noon boat')
  const came = await next(to, TOPIC)
  must(came.text === 'a passenger for the noon boat', 'what came is what was sent')
  const receipt = await next(from, REPLIES)
  must(receipt.attrs['type'] === 'receipt', 'what comes back is a receipt')
  tell(
    'directed',
    `a message of ${from.name} is at ${to.name}, and a receipt that ${to.name} signed for ${brief(receipt.attrs['id'] ?? '')} is back after ${msSince(since)}`
  )
}

/** A hub is killed; what is sent to it waits, and it has all of it once it is back. */
export async function absence(from: Hub, away: Hub, count: number): Promise<void> {
  await away.kill()
  for (let n = 0; n < count; n++) await post(from, away, `letter ${n}`)
  await away.start()
  const since = performance.now()
  const texts: string[] = []
  while (texts.length < count) texts.push((await next(away, TOPIC)).text)
  must(new Set(texts).size === count, 'each came once')
  for (let n = 0; n < count; n++) await next(from, REPLIES)
  tell(
    'absent',
    `${away.name} was killed; ${count} messages waited at ${from.name}, and it had them and had signed for them ${msSince(since)} after it came back`
  )
}

async function post(from: Hub, to: Hub, text: string): Promise<void> {
  const options = {
    to: { hub: to.id, share: SHARE.name },
    receipt: ['delivered' as const],
    reply_topic: REPLIES
  }
  await from.operator.mailbox.send(
    { topic: TOPIC, body: Buffer.from(text), ...options },
    { tenant: await from.tenant() }
  )
}

/** The next message of a topic; it is acknowledged. */
function next(hub: Hub, topic: string): Promise<Came> {
  return eventually(`a message in ${topic} of ${hub.name}`, async () => {
    const asked = { topic, max: 1, ack: 'auto' as const }
    const { items } = await hub.operator.mailbox.recv(asked, { tenant: await hub.tenant() })
    return items.map(({ body, attrs = {} }) => ({ text: Buffer.from(body ?? []).toString(), attrs }))[0]
  })
}
