import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../harness/answering.ts'
import { SpreadingMember, nowMicros, type Sending } from '../harness/spreading-member.ts'
import { numberedBody } from '../harness/numbered-body.ts'
import { SharingHub, TOPIC, type Met } from './sharing-hub.ts'

// A hub that shares a topic with others. What has come is looked for ten times a second and stands in the mailbox then,
// durable: each message counts as up to so much later than it was there.

const LOOK_MS = 100
const MOST_AT_ONCE = 256
const MOST_BYTES = 1_048_576
/** A hub says something to have a key that signs its messages, and again once that is known everywhere. */
const GREETINGS = 2
const GREETING_PHASE = 0
const GREETING_BYTES = 64
const KEY_MS = 60_000

const [built, top] = process.argv.slice(2) as [string, string]
const hub = await SharingHub.start(built, top)
let drawn = 0
const member = new SpreadingMember(body => hub.send(body, `message ${++drawn}`))
let met: readonly Met[] = []
let place = 0
let greeted = 0
let isOver = false
const watched = watch()

async function watch(): Promise<void> {
  const seen = new Set<string>()
  let after: string | undefined
  while (!isOver) {
    const asked = { topic: TOPIC, max: MOST_AT_ONCE, max_bytes: MOST_BYTES, ...(after && { after }) }
    const { items, next } = await hub.operator.mailbox
      .peek(asked, { tenant: hub.tenant })
      .catch(() => ({ items: [], next: undefined }))
    const micros = nowMicros()
    for (const { msg_id: id, body, origin } of items) {
      if (seen.has(id) || origin === undefined || body === undefined) continue
      seen.add(id)
      member.noteArrival(body, micros)
    }
    after = next ?? after
    if (items.length === 0) await sleep(LOOK_MS)
  }
}

async function greet(): Promise<void> {
  const number = greeted++
  const body = numberedBody({ phase: GREETING_PHASE, from: place, number }, GREETING_BYTES)
  await hub.send(body, `greeting ${number}`)
}

/** Its own word about its keys, as soon as one for messages is among them. */
async function introduction(): Promise<string> {
  await greet()
  for (const end = performance.now() + KEY_MS; performance.now() < end; await sleep(LOOK_MS)) {
    const file = await hub.hubFile()
    if (file.includes('"role":"message"')) return file
  }
  throw new Error('no key signs for messages')
}

answerParent(
  {
    self: () => hub.self,
    meet: async ({ others, at, dials }: { others: readonly Met[]; at: number; dials: readonly number[] }) => {
      met = others
      place = at
      for (const [n, other] of others.entries()) if (n !== at) await hub.allow(other, dials.includes(n))
    },
    introduction,
    acquaint: async ({ introductions }: { introductions: readonly string[] }) => {
      for (const [n, file] of introductions.entries()) if (n !== place) await hub.learn(file)
    },
    isReady: async () => {
      if (greeted < GREETINGS) await greet()
      return member.count(GREETING_PHASE) >= GREETINGS * (met.length - 1)
    },
    send: (sending: Sending) => member.send(sending),
    count: ({ phase }: { phase: number }) => member.count(phase),
    taken: ({ phase }: { phase: number }) => member.taken(phase)
  },
  async () => {
    isOver = true
    await watched
    await hub[Symbol.asyncDispose]()
  }
)
