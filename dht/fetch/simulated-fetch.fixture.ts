import { FetchPlan } from './fetch-plan.ts'
import type { FetchAction, FetchEvent, PlanBounds } from './fetch-plan.ts'
import { ENDS } from './ends.ts'
import type { EndCode } from './ends.ts'
import type { Span } from './byte-ranges.ts'

export const LEAF = 65_536

/** How a provider behaves once it has sent `after` bytes of an answer; an honest one never does. */
export type Behaviour =
  | { readonly kind: 'honest' }
  | { readonly kind: 'ends'; readonly code: EndCode; readonly after: number }
  | { readonly kind: 'stalls'; readonly after: number }

export interface SimulatedProvider {
  readonly foundMs: number
  /** Until the first leaf of an answer. */
  readonly latencyMs: number
  readonly leafMs: number
  readonly behaviour: Behaviour
}

interface Answer extends Span {
  at: number
  to: number
  sent: number
  isOpen: boolean
}

export interface Ask extends Span {
  readonly provider: string
  readonly atMs: number
}

/** What became of a fetch; times from its start. */
export interface Outcome {
  readonly ended: 'succeed' | 'fail' | undefined
  readonly ms: number
  readonly asks: readonly Ask[]
  /** Providers that were asked after they had lied. */
  readonly trusted: readonly string[]
  readonly mostAtOnce: number
  readonly sentBytes: number
  readonly plan: FetchPlan
}

/** Runs a plan against providers that are made of numbers, in a time of its own. */
export function simulate(
  total: number,
  providers: readonly SimulatedProvider[],
  { bounds = {}, searchMs = 0 }: { bounds?: Partial<PlanBounds>; searchMs?: number } = {}
): Outcome {
  const plan = new FetchPlan({ missing: [{ from: 0, to: Infinity }], bounds })
  const due: { readonly atMs: number; readonly run: () => void }[] = []
  const open = new Map<string, Answer>()
  const asks: Ask[] = []
  const liars = new Set<string>()
  const trusted: string[] = []
  let nowMs = 0
  let mostAtOnce = 0
  let sentBytes = 0
  let ended: Outcome['ended']
  let isTotalKnown = false

  const at = (atMs: number, run: () => void): void => void due.push({ atMs, run })
  const hear = (event: FetchEvent): void => {
    for (const action of plan.step(event, nowMs)) act(action)
    mostAtOnce = Math.max(mostAtOnce, open.size)
  }
  const act = (action: FetchAction): void => {
    if (action.do === 'succeed' || action.do === 'fail') ended = action.do
    else if (action.do === 'cut') open.get(action.provider)!.to = action.to
    else if (action.do === 'stop') close(action.provider)
    else start(action)
  }
  const close = (provider: string): void => {
    open.get(provider)!.isOpen = false
    open.delete(provider)
  }
  const start = ({ provider, from, to }: Span & { readonly provider: string }): void => {
    if (open.has(provider)) throw new Error(`${provider} has two questions`)
    const answer: Answer = { from, to, at: from, sent: 0, isOpen: true }
    open.set(provider, answer)
    asks.push({ provider, from, to, atMs: nowMs })
    if (liars.has(provider)) trusted.push(provider)
    at(nowMs + providers[Number(provider)]!.latencyMs, () => send(provider, answer))
  }
  const send = (provider: string, answer: Answer): void => {
    if (!answer.isOpen) return
    const { behaviour, leafMs } = providers[Number(provider)]!
    if (behaviour.kind !== 'honest' && answer.sent >= behaviour.after) {
      if (behaviour.kind === 'stalls') return
      close(provider)
      if (ENDS[behaviour.code].isLie) liars.add(provider)
      return hear({ is: 'ended', provider, code: behaviour.code })
    }
    if (!isTotalKnown) {
      isTotalKnown = true
      hear({ is: 'total', bytes: total })
      if (!answer.isOpen) return
    }
    const to = Math.min(total, answer.to, answer.at + LEAF - (answer.at % LEAF))
    const proved = { from: answer.at, to }
    answer.at = to
    answer.sent += proved.to - proved.from
    sentBytes += proved.to - proved.from
    hear({ is: 'proved', provider, ...proved })
    if (!answer.isOpen) return
    if (answer.at < Math.min(total, answer.to)) return at(nowMs + leafMs, () => send(provider, answer))
    close(provider)
    hear({ is: 'ended', provider, code: 'done' })
  }

  for (const [n, { foundMs }] of providers.entries())
    at(foundMs, () => hear({ is: 'found', provider: String(n), via: n % 2 === 0 ? 'link' : 'dht' }))
  at(Math.max(searchMs, ...providers.map(({ foundMs }) => foundMs)), () => hear({ is: 'searched' }))
  for (let steps = 0; ended === undefined && steps < 100_000; steps++) {
    due.sort((a, b) => a.atMs - b.atMs)
    const wakeMs = plan.wakeMs(nowMs) ?? Infinity
    const next = due[0]
    if (next === undefined && wakeMs === Infinity) break
    if (next !== undefined && next.atMs <= wakeMs) {
      due.shift()
      nowMs = Math.max(nowMs, next.atMs)
      next.run()
    } else {
      nowMs = Math.max(nowMs, wakeMs)
      hear({ is: 'tick' })
    }
  }
  return { ended, ms: nowMs, asks, trusted, mostAtOnce, sentBytes, plan }
}
