import { readFileSync } from 'node:fs'

interface Node {
  readonly hub: string
  readonly node_seed: string
  readonly peer_id: string
  readonly boot: string
  readonly delegation: object
}
interface Message {
  readonly kind: string
  readonly body: string
}
interface Vectors {
  readonly now: number
  readonly nodes: Readonly<Record<'a' | 'b', Node>>
  readonly facts: Readonly<Record<'a' | 'b', object>>
  readonly invite: { readonly k: string }
  readonly runs: readonly {
    readonly nonces: { readonly initiator: string; readonly responder: string }
    readonly hello: string
    readonly challenge: string
    readonly proof: string
    readonly answer: string
  }[]
  readonly refusals: readonly { readonly role: string; readonly message: Message }[]
}

export const HANDSHAKES = JSON.parse(
  readFileSync(new URL('../../../specs/vectors/federation-handshake.json', import.meta.url), 'utf8')
) as Vectors

/** Which message of a handshake an input is; its first byte says so. */
export const STEPS = ['hello', 'challenge', 'proof', 'answer'] as const

const MOST_BYTES = 4096

/** The messages of the vectors, good and bad, each once as it is signed there and once signed anew. */
export function handshakeSeeds(): Uint8Array[] {
  const good = HANDSHAKES.runs.flatMap(run => STEPS.map((step, n) => [n, run[step]] as const))
  const bad = HANDSHAKES.refusals.map(({ role, message: { kind, body } }) => {
    const first = kind === 'proof' ? 2 : 0
    return [first + (role === 'initiator' ? 1 : 0), body] as const
  })
  return [...good, ...bad]
    .filter(([, body]) => body.length < MOST_BYTES)
    .flatMap(([step, body]) => [0, 4].map(signed => Uint8Array.from([step + signed, ...Buffer.from(body)])))
}
