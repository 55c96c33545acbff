import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from '../attacker.ts'
import { protocolLine } from '../protocol-line.ts'
import type { RawStream } from '../raw-stream.ts'
import type { YamuxLink } from '../yamux-link.ts'
import { answerParent } from './helper-process.ts'
import { HIDDEN_WAYS } from './hidden-ways.ts'

const STREAMS = 8
const STRANGERS_OF_A_NETWORK = 8
const CONNECTED_SHARE = 0.9
const AGAIN_MS = 500
const HEARD_MS = 1000
const MS_FOR_EACH = 60

// As the other strangers: real ones have processors of their own.
setPriority(19)

/** What no stranger may be told: names of protocols and of topics. */
const SECRETS = ['meshsub', 'floodsub', '/kad/', 'omnigate/']

const [target] = process.argv.slice(2) as [string]
const attacker = await Attacker.create(target)
let connected = 0
let streamsOpened = 0
let answers = 0
let refusals = 0
const learned = new Set<string>()

answerParent({
  /** Resolves once nearly all hold a connection, or have tried for long. They come back whenever they are thrown out. */
  attack: async ({ strangers }: { strangers: number }) => {
    for (let i = 0; i < strangers; i++) void beStranger(i)
    const until = performance.now() + strangers * MS_FOR_EACH
    while (connected < strangers * CONNECTED_SHARE && performance.now() < until) await sleep(100)
    return connected
  },
  tell: () => ({ connected, streamsOpened, answers, refusals, learned: [...learned] })
})

async function beStranger(i: number): Promise<never> {
  const network = Math.floor(i / STRANGERS_OF_A_NETWORK)
  const from = `127.${20 + Math.floor(network / 250)}.${network % 250}.${1 + (i % STRANGERS_OF_A_NETWORK)}`
  await sleep(i * 20)
  for (;;) {
    const link = await attacker.connect(from).catch(() => undefined)
    if (link === undefined) {
      refusals++
      await sleep(AGAIN_MS)
      continue
    }
    connected++
    await Promise.race([link.gone, ...Array.from({ length: STREAMS }, (_, slot) => useStream(link, slot))])
    connected--
    await sleep(AGAIN_MS)
  }
}

async function useStream(link: YamuxLink, slot: number): Promise<void> {
  while (!link.isGone) {
    const stream = link.open()
    const heard = listen(stream)
    stream.writeNow(protocolLine('/multistream/1.0.0'))
    streamsOpened++
    HIDDEN_WAYS[slot % HIDDEN_WAYS.length]!(stream)
    await stream.end(HEARD_MS)
    judge(heard())
    stream.reset()
    link.forget(stream.id)
    await sleep(AGAIN_MS)
  }
}

function listen(stream: RawStream): () => string {
  let heard = ''
  stream.reader = bytes => (heard += Buffer.from(bytes).toString('latin1'))
  return () => heard
}

function judge(heard: string): void {
  if (heard !== '') answers++
  for (const secret of SECRETS) if (heard.includes(secret)) learned.add(secret)
}
