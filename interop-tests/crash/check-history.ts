import type { Delivered, Seen, Send } from './history.ts'

export interface Violation {
  readonly rule: Rule
  readonly detail: string
  /** The message that is lost. */
  readonly id?: string
}

export type Rule =
  /** Acknowledged, never given back to the hub as done, and gone. */
  | 'lost'
  /** Delivered by a call that was made after its acknowledgement was confirmed. */
  | 'delivered_after_ack'
  /** Delivered again while its lease lived, without a nack and within one life of the node. */
  | 'delivered_twice'
  /** One send, two messages. */
  | 'stored_twice'
  /** One id, two messages. */
  | 'id_twice'
  /** A body that nobody sent, or not to this topic. */
  | 'invented'
  /** One call brought messages in another order than by priority, then id. */
  | 'out_of_order'
  /** Delivered before its time. */
  | 'too_early'
  /** A body that an application sealed stands where a node shows itself: see `canary.ts`. */
  | 'shown'

/** A time is given by the clock of the machine, and compared on one that is never set. */
const CLOCKS_MS = 20

/** What in a history no at-least-once mailbox may do. The history ends with a drain that took all there was. */
export function checkHistory(history: readonly Seen[]): readonly Violation[] {
  return [
    ...lost(history),
    ...afterAck(history),
    ...twice(history),
    ...identities(history),
    ...invented(history),
    ...outOfOrder(history),
    ...tooEarly(history)
  ]
}

const sendsOf = (history: readonly Seen[]): Send[] => history.filter(seen => seen.is === 'send')

const deliveriesOf = (history: readonly Seen[]): Delivered[] => history.filter(seen => seen.is === 'delivery')

function* lost(history: readonly Seen[]): Iterable<Violation> {
  const drain = history.find(seen => seen.is === 'drain')
  if (drain === undefined) throw new Error('the history has no drain')
  const left = new Set<string>()
  const maybeGone = new Set<string>()
  for (const seen of history) {
    if (seen.is === 'delivery' && seen.asked >= drain.asked) left.add(seen.id)
    if (seen.is === 'dead') left.add(seen.id)
    if (seen.is === 'ack' && seen.asked < drain.asked) maybeGone.add(seen.id)
  }
  const told = new Set<string>()
  for (const { label, id, answered } of sendsOf(history)) {
    if (id === undefined || answered === undefined || left.has(id) || maybeGone.has(id) || told.has(id))
      continue
    told.add(id)
    yield { rule: 'lost', detail: `${label} (${id}), acknowledged at ${answered.toFixed(1)}`, id }
  }
}

function* afterAck(history: readonly Seen[]): Iterable<Violation> {
  const goneAt = new Map<string, number>()
  for (const seen of history)
    if (seen.is === 'ack' && seen.isDone === true && seen.answered !== undefined)
      goneAt.set(seen.id, Math.min(seen.answered, goneAt.get(seen.id) ?? Infinity))
  for (const { id, asked } of deliveriesOf(history)) {
    const gone = goneAt.get(id)
    if (gone !== undefined && asked > gone)
      yield {
        rule: 'delivered_after_ack',
        detail: `${id}: gone at ${gone.toFixed(1)}, asked for at ${asked.toFixed(1)}`
      }
  }
}

function* twice(history: readonly Seen[]): Iterable<Violation> {
  const nacks = new Map<string, number[]>()
  for (const seen of history)
    if (seen.is === 'nack') nacks.set(seen.id, [...(nacks.get(seen.id) ?? []), seen.asked])
  const last = new Map<string, Delivered>()
  for (const delivered of deliveriesOf(history).sort((a, b) => a.boot - b.boot || a.attempt - b.attempt)) {
    const before = last.get(delivered.id)
    last.set(delivered.id, delivered)
    if (before === undefined || before.boot !== delivered.boot) continue
    // The lease began when the node answered, so not before it was asked.
    const isOver = delivered.answered >= before.asked + before.visibilityMs
    const isBack =
      nacks.get(delivered.id)?.some(at => at <= delivered.answered && at >= before.asked) === true
    if (delivered.attempt > before.attempt && (isOver || isBack)) continue
    yield { rule: 'delivered_twice', detail: `${delivered.id} within its lease of ${before.visibilityMs} ms` }
  }
}

function* identities(history: readonly Seen[]): Iterable<Violation> {
  const idOf = new Map<string, string>()
  const labelOf = new Map<string, string>()
  const pairs = history.flatMap(seen =>
    (seen.is === 'send' || seen.is === 'delivery') && seen.id !== undefined && seen.label !== undefined
      ? [[seen.label, seen.id] as const]
      : []
  )
  for (const [label, id] of pairs) {
    const otherId = idOf.get(label) ?? id
    const otherLabel = labelOf.get(id) ?? label
    if (otherId !== id) yield { rule: 'stored_twice', detail: `${label}: ${otherId} and ${id}` }
    if (otherLabel !== label) yield { rule: 'id_twice', detail: `${id}: ${otherLabel} and ${label}` }
    idOf.set(label, id)
    labelOf.set(id, label)
  }
}

function* invented(history: readonly Seen[]): Iterable<Violation> {
  const sent = new Set(sendsOf(history).map(({ topic, label }) => `${topic} ${label}`))
  for (const { topic, label, id } of deliveriesOf(history))
    if (label === undefined || !sent.has(`${topic} ${label}`))
      yield { rule: 'invented', detail: `${id} in ${topic}: ${label ?? 'a body that nobody sent'}` }
}

function* outOfOrder(history: readonly Seen[]): Iterable<Violation> {
  let before: Delivered | undefined
  for (const delivered of deliveriesOf(history)) {
    const isWrong =
      before?.call === delivered.call &&
      (before.priority < delivered.priority ||
        (before.priority === delivered.priority && before.id >= delivered.id))
    if (isWrong) yield { rule: 'out_of_order', detail: `${before!.id} before ${delivered.id} in one call` }
    before = delivered
  }
}

/** Of a message that was sent again the first may have been stored, so the earliest of its times counts. */
function* tooEarly(history: readonly Seen[]): Iterable<Violation> {
  const dueAt = new Map<string, number>()
  for (const { label, dueMs } of sendsOf(history))
    dueAt.set(label, Math.min(dueMs ?? -Infinity, dueAt.get(label) ?? Infinity))
  for (const { id, label, answered } of deliveriesOf(history)) {
    const due = dueAt.get(label ?? '') ?? -Infinity
    if (answered < due - CLOCKS_MS)
      yield { rule: 'too_early', detail: `${id}: due at ${due.toFixed(1)}, came at ${answered.toFixed(1)}` }
  }
}
