import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from '../attacker.ts'
import { protocolLine } from '../protocol-line.ts'
import type { YamuxLink } from '../yamux-link.ts'
import { answerParent } from './helper-process.ts'
import { HIDDEN_WAYS } from './hidden-ways.ts'
import { HOSTILE_PROOFS, callAll, shakeBadly } from './hostile-handshake.ts'

const STRANGERS_OF_A_NETWORK = 8
const CONNECTED_SHARE = 0.6
const AGAIN_MS = 500
const HEARD_MS = 1000
/** A connection is good for one handshake: then a stranger takes another. */
const STAY_MS = 10_000
/** So that the negotiations which fail are no reason to bar the network. */
const LOOK_EVERY_MS = 1200
const MS_FOR_EACH = 60

// As the other strangers: real ones have processors of their own.
setPriority(19)

interface Known {
  readonly address: string
  /** Hubs that the target is linked with; strangers know the first one by name, and are to learn of no other. */
  readonly hubs: readonly { readonly hub: string; readonly peer: string }[]
  readonly unknown: string
}

const { address, hubs, unknown } = JSON.parse(process.argv[2]!) as Known
const attacker = await Attacker.create(address)
const claims = { from: attacker.peer, to: /\/p2p\/(\w+)$/.exec(address)![1]!, allowed: hubs[0]!.hub, unknown }
/** What no stranger may be told: protocols of links, other hubs and their nodes, treaties. */
const SECRETS = [
  'meshsub',
  'floodsub',
  '/kad/',
  'facts',
  '"treaty"',
  'echo:call',
  ...hubs.slice(1).flatMap(({ hub, peer }) => [hub, peer])
]
let connected = 0
const told = { handshakes: 0, challenges: 0, calls: 0, streams: 0, answers: 0, refusals: 0 }
const learned = new Set<string>()

answerParent({
  /** Resolves once most hold a connection, or have tried for long. They leave and come back all the time. */
  attack: async ({ strangers }: { strangers: number }) => {
    for (let i = 0; i < strangers; i++) void beStranger(i)
    const until = performance.now() + strangers * MS_FOR_EACH
    while (connected < strangers * CONNECTED_SHARE && performance.now() < until) await sleep(100)
    return connected
  },
  tell: () => ({ ...told, learned: [...learned] })
})

async function beStranger(i: number): Promise<never> {
  const network = Math.floor(i / STRANGERS_OF_A_NETWORK)
  const from = `127.${20 + Math.floor(network / 250)}.${network % 250}.${1 + (i % STRANGERS_OF_A_NETWORK)}`
  await sleep(i * 20)
  for (let turn = i; ; turn++) {
    const link = await attacker.connect(from).catch(() => undefined)
    if (link === undefined) {
      told.refusals++
      await sleep(AGAIN_MS)
      continue
    }
    connected++
    void lookAround(link)
    await Promise.race([link.gone, Promise.all([shake(link, turn), sleep(STAY_MS)])])
    connected--
    link.drop()
    await sleep(AGAIN_MS)
  }
}

/** The one handshake of the connection, and then everything else of that service. */
async function shake(link: YamuxLink, turn: number): Promise<void> {
  const stream = await link.open().negotiate().ready()
  told.handshakes++
  const heard = await shakeBadly(stream, claims, HOSTILE_PROOFS[turn % HOSTILE_PROOFS.length]!)
  told.challenges += heard.length > 0 ? 1 : 0
  heard.push(...(await callAll(stream)))
  told.calls += heard.length
  for (const { payload } of heard) judge(Buffer.from(payload).toString('latin1'))
}

/** Asks for gossip and DHT in each of the ways, as long as the connection is there. */
async function lookAround(link: YamuxLink): Promise<void> {
  for (let n = 0; !link.isGone; n++) {
    const stream = link.open()
    let heard = ''
    stream.reader = bytes => (heard += Buffer.from(bytes).toString('latin1'))
    stream.writeNow(protocolLine('/multistream/1.0.0'))
    told.streams++
    HIDDEN_WAYS[n % HIDDEN_WAYS.length]!(stream)
    await stream.end(HEARD_MS)
    judge(heard)
    stream.reset()
    await sleep(LOOK_EVERY_MS - HEARD_MS)
  }
}

function judge(heard: string): void {
  if (heard !== '') told.answers++
  for (const secret of SECRETS) if (heard.includes(secret)) learned.add(secret)
}
