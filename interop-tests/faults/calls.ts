import { ConnectError, OapError } from 'omnigate/sdk'
import { isErrorCode } from 'omnigate/protocols'
import type { Client, echoService } from 'omnigate/protocols'
import { draw } from './random.ts'

export type Echo = Client<(typeof echoService)['operations']>

/** What became of one call. `broken` is what must never be; `text` says what was wrong. */
export type Outcome = { readonly call: string; readonly ms: number } & Ending

type Ending =
  | { readonly kind: 'answered' }
  | { readonly kind: 'refused'; readonly code: string; readonly why: string }
  | { readonly kind: 'broken'; readonly text: string }

/** Milliseconds each call is given; its answer or error may come this much later before it counts as hung. */
export const DEADLINE_MS = 5000
export const LATE_MS = 10_000

const PIECE_BYTES = 30_000
const TICKS = 20

/** Each makes one call and throws `WrongAnswer` when the answer is not what was sent. */
const CALLS = {
  small: (echo, seed) => echoes(echo, bytesOf(seed, 500)),
  large: (echo, seed) => echoes(echo, bytesOf(seed, 100_000)),
  stream: (echo, seed) => streams(echo, bytesOf(seed, 400_000)),
  ticks: echo => subscribes(echo)
} satisfies Record<string, (echo: Echo, seed: number) => Promise<void>>

/** How often each kind of call is made, one after the other; the kinds run side by side. */
const ROUND: readonly (readonly [keyof typeof CALLS, number])[] = [
  ['small', 15],
  ['large', 3],
  ['stream', 2],
  ['stream', 2],
  ['ticks', 2]
]

/** After that many failures of one kind nothing new comes of more. */
const ENOUGH_FAILURES = 2

/** Other bytes than were sent, or fewer. */
export class WrongAnswer extends Error {}

const failures = (outcomes: readonly Outcome[]): number =>
  outcomes.filter(({ kind }) => kind !== 'answered').length

/** Whether nothing new comes of more calls of one kind. */
export const isEnough = (outcomes: readonly Outcome[]): boolean => failures(outcomes) >= ENOUGH_FAILURES

/** Makes every kind of call; no outcome is left out. */
export async function makeCalls(echo: Echo, seed: number): Promise<Outcome[]> {
  const rows = ROUND.map(async ([kind, times], row) => {
    const outcomes: Outcome[] = []
    for (let i = 0; i < times && !isEnough(outcomes); i++) {
      const bodySeed = draw(seed, row, i) * 2 ** 32
      outcomes.push(await outcomeOf(kind, DEADLINE_MS + LATE_MS, () => CALLS[kind](echo, bodySeed)))
    }
    return outcomes
  })
  return (await Promise.all(rows)).flat()
}

/** Runs `action` and judges how it ended. An error is clear when it has one of the documented codes. */
export async function outcomeOf(
  call: string,
  withinMs: number,
  action: () => Promise<void>
): Promise<Outcome> {
  const started = performance.now()
  const hung = Promise.withResolvers<'hung'>()
  const timer = setTimeout(() => hung.resolve('hung'), withinMs)
  const ended = action().then(
    () => undefined,
    (error: unknown) => ({ error })
  )
  const result = await Promise.race([ended, hung.promise])
  clearTimeout(timer)
  const ms = performance.now() - started
  if (result === 'hung')
    return { call, ms, kind: 'broken', text: `neither answer nor error in ${withinMs} ms` }
  if (result === undefined) return { call, ms, kind: 'answered' }
  return { call, ms, ...judged(result.error) }
}

type Verdict = Exclude<Ending, { kind: 'answered' }>

function judged(error: unknown): Verdict {
  if (error instanceof OapError && isErrorCode(error.counted))
    return { kind: 'refused', code: error.code, why: error.message }
  if (error instanceof ConnectError) return { kind: 'refused', code: error.code, why: String(error.cause) }
  if (error instanceof WrongAnswer) return { kind: 'broken', text: `wrong answer: ${error.message}` }
  return { kind: 'broken', text: `unclear error: ${String(error)}` }
}

export async function echoes(echo: Echo, body: Uint8Array, deadlineMs = DEADLINE_MS): Promise<void> {
  const answer = await echo.echo({ body }, { deadlineMs })
  if (Buffer.compare(answer, body) !== 0) throw new WrongAnswer(`${answer.length} bytes for ${body.length}`)
}

export async function streams(echo: Echo, body: Uint8Array, deadlineMs = DEADLINE_MS): Promise<void> {
  const answer = await echo.stream({}, { body: piecesOf(body), deadlineMs })
  let at = 0
  for await (const piece of answer.body) {
    if (Buffer.compare(piece, body.subarray(at, at + piece.length)) !== 0)
      throw new WrongAnswer(`other bytes between ${at} and ${at + piece.length}`)
    at += piece.length
  }
  if (at !== body.length) throw new WrongAnswer(`the body ended at ${at} of ${body.length} bytes`)
}

export async function subscribes(echo: Echo, deadlineMs = DEADLINE_MS): Promise<void> {
  let expected = 0
  const ticks = await echo.ticks({ count: TICKS, interval_ms: 5 }, { deadlineMs })
  for await (const { n } of ticks)
    if (n !== expected++) throw new WrongAnswer(`tick ${n} instead of ${expected - 1}`)
  if (expected !== TICKS) throw new WrongAnswer(`the subscription ended after ${expected} of ${TICKS} ticks`)
}

/** Bytes that no other seed gives and no compression shortens. */
export function bytesOf(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    words[i] = state ^= state << 5
  }
  return new Uint8Array(words.buffer, 0, length)
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES)
}
