import { setTimeout as sleep } from 'node:timers/promises'
import { told } from '../hostile-case.ts'
import type { HostileCase, Scene, TargetName } from '../hostile-case.ts'
import { HubHandshake } from '../own-hub.ts'
import type { OwnHub } from '../own-hub.ts'
import type { RawStream, Seen } from '../raw-stream.ts'
import type { YamuxLink } from '../yamux-link.ts'

/** What one hub may prove at once; one more comes to it every ten seconds. */
const AT_ONCE = 600
const ONE_MORE_MS = 10_000
/** As many strangers of one /24 as a node takes. */
const SIDE_BY_SIDE = 8
/** From how many networks eight come at a time, and how often in full. */
interface Crowd {
  readonly on: TargetName
  readonly networks: number
  readonly rounds: number
}

/** As many strangers as a node takes, but ten. */
const STRANGERS: Crowd = { on: 'strict', networks: 30, rounds: 5 }
/** More than the 256 that may wait for a proof. */
const MORE_THAN_WAIT: Crowd = { on: 'open', networks: 33, rounds: 4 }
const KNOWN: Crowd = { on: 'open', networks: 25, rounds: 5 }
const WITHIN_MS = 20_000
const HALF = 0.5
/** Later than a proof may come. */
const LATE_MS = 5200

/** A handshake of a hub on a connection of its own. */
async function linking({ attacker }: Scene, hub: OwnHub, from: string) {
  const link = await attacker.connect(from)
  const stream = await link.open().negotiate().ready()
  const handshake = new HubHandshake(hub, attacker)
  return { link, stream, handshake, answer: await handshake.made(stream) }
}

const isLinked = (answer: Seen | undefined): boolean => answer?.code === 0

/** What all of them were told, or how many what. */
function alike(answers: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  const [first] = counts.keys()
  return counts.size === 1 ? first! : [...counts].map(([answer, count]) => `${count} ${answer}`).join(', ')
}

/**
 * Handshakes that stop at one step, a crowd at a time: what each is told in the end, and whether a hub can link meanwhile.
 */
const stalls = (
  name: string,
  { on, networks, rounds }: Crowd,
  expected: string,
  stall: (stream: RawStream, handshake: HubHandshake) => Promise<() => Promise<string>>,
  isLong = false
): HostileCase => ({
  name: `handshakes that stop ${name}`,
  isLong,
  on,
  expected: `${expected}; a hub links meanwhile`,
  async run(scene) {
    const { attacker, hubs, from, count } = scene
    const answers: string[] = []
    const meanwhile: string[] = []
    for (let round = 0; round < count(1, rounds); round++) {
      const ends: { readonly link: YamuxLink; readonly end: () => Promise<string> }[] = []
      for (let n = 0; n < SIDE_BY_SIDE * networks; n++) {
        const link = await attacker.connect(`127.203.${n % networks}.${1 + Math.floor(n / networks)}`)
        const stream = await link.open().negotiate().ready()
        ends.push({ link, end: await stall(stream, new HubHandshake(hubs.stalling, attacker)) })
      }
      const { link, answer } = await linking(scene, hubs.stalling, from())
      meanwhile.push(isLinked(answer) ? 'a hub links meanwhile' : told(answer))
      link.drop()
      answers.push(...(await Promise.all(ends.map(({ end }) => end()))))
      for (const one of ends) one.link.drop()
    }
    return `${alike(answers)}; ${alike(meanwhile)}`
  }
})

/** Waits for the frame that a node sends before it ends a session, or the answer to a call. */
const ending = (stream: RawStream, corr: bigint) => async (): Promise<string> =>
  told(await stream.next(frame => frame.corr === corr || frame.corr === 0n, WITHIN_MS))

export const handshakeCases: readonly HostileCase[] = [
  {
    name: 'a hub that links, drops its connection and links again, 620 times',
    on: 'strict',
    expected: 'as many links as a hub may make, then 429 quota_peer',
    async run(scene) {
      const since = performance.now()
      const refusals: string[] = []
      let linked = 0
      for (let n = 0; n < AT_ONCE + 20; n++) {
        const { link, answer } = await linking(scene, scene.hubs.relinking, scene.from(n))
        if (isLinked(answer)) linked++
        else refusals.push(told(answer))
        link.drop()
      }
      const most = AT_ONCE + Math.ceil((performance.now() - since) / ONE_MORE_MS)
      const isBounded = linked >= AT_ONCE && linked <= most && refusals.length > 0
      const links = isBounded ? 'as many links as a hub may make' : `${linked} links`
      return `${links}, then ${refusals.length > 0 ? alike(refusals) : 'none refused'}`
    }
  },
  {
    name: 'a node whose key its hub has revoked, again and again',
    on: 'strict',
    expected: 'linked, its key revoked, then 403 not_allowlisted',
    async run(scene) {
      const { hubs, from, count } = scene
      const first = await linking(scene, hubs.revoked, from())
      if (!isLinked(first.answer)) return told(first.answer)
      first.stream.writeNow(first.handshake.revocation())
      const revoked = await first.stream.next(({ corr }) => corr === 3n)
      await first.link.gone
      const answers: string[] = []
      for (let round = 0; round < count(10, 100); round++) {
        const tries = await Promise.all(
          Array.from({ length: SIDE_BY_SIDE }, (_, n) => linking(scene, hubs.revoked, from(n)))
        )
        for (const { link, answer } of tries) {
          answers.push(told(answer))
          link.drop()
        }
      }
      return `linked, ${revoked?.code === 0 ? 'its key revoked' : told(revoked)}, then ${alike(answers)}`
    }
  },
  stalls('within their hello', STRANGERS, '408 slow_peer', async (stream, { hello }) => {
    stream.writeNow(hello.subarray(0, hello.length * HALF))
    return ending(stream, 1n)
  }),
  stalls(
    'behind the challenge, and go on too late',
    MORE_THAN_WAIT,
    '409 out_of_order',
    async (stream, handshake) => {
      const challenge = await handshake.challenged(stream)
      return async () => {
        if (challenge === undefined) return 'no challenge'
        await sleep(LATE_MS)
        stream.writeNow(await handshake.proof(challenge))
        return ending(stream, 2n)()
      }
    },
    // With short time-outs the node has closed the session before a handshake is stalled.
    true
  ),
  stalls('within their proof', KNOWN, '408 slow_peer', async (stream, handshake) => {
    const challenge = await handshake.challenged(stream)
    if (challenge === undefined) return async () => 'no challenge'
    const proof = await handshake.proof(challenge)
    stream.writeNow(proof.subarray(0, proof.length * HALF))
    return ending(stream, 2n)
  })
]
