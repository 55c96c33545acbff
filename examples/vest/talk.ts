import type { Hub } from 'omnigate/sdk'
import type { Secret } from '../chat/secret.ts'
import type { Times } from './times.ts'

/** Where each of the two is written to. */
export const TOPICS = { alice: 'vest/alice', bob: 'vest/bob' } as const

export interface Talking {
  readonly from: Hub
  readonly to: Hub
  readonly topic: string
  readonly secret: Secret
}

/** Sends `texts` one after another and has the other side open each; yields how long each was on its way. */
export async function talk(
  { from, to, topic, secret }: Talking,
  texts: readonly string[],
  times: Times
): Promise<number> {
  const sentAt = new Map<string, number>()
  const speaking = (async () => {
    for (const text of texts) {
      sentAt.set(text, performance.now())
      await from.mailbox.send(topic, await secret.seal(text), { e2e: true })
    }
  })()
  speaking.catch(() => undefined)
  let opened = 0
  for await (const delivery of to.mailbox.subscribe(topic)) {
    const begun = sentAt.get(await secret.open(delivery.body))
    await delivery.ack()
    if (begun === undefined) continue
    times.add(performance.now() - begun)
    if (++opened === texts.length) break
  }
  await speaking
  return opened
}
