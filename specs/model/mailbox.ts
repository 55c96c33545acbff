import type { Model } from './explore.ts'

/** What specs/mailbox.tla says, with the same names. One topic; ids are numbers in the order in which they were given. */
export interface MailboxState {
  readonly boot: number
  /** Of each id, its key. */
  readonly keyOf: readonly string[]
  readonly disk: readonly number[]
  /** Ids of keys that are durable. */
  readonly known: Readonly<Record<string, number>>
  /** Two batches: one is composed while the other is written. */
  readonly filling: readonly Op[]
  readonly writing: readonly Op[]
  readonly leases: Readonly<Record<number, Lease>>
  readonly attempts: Readonly<Record<number, number>>
  /** Up to where each priority was read; and what came back from before there. */
  readonly cursor: readonly number[]
  readonly returned: readonly number[]
  /** What consumers hold, also from earlier lives of the node. */
  readonly tokens: readonly Token[]
  readonly sends: number
  readonly crashes: number
  readonly leased: number
  // Only for the invariants.
  readonly sendConfirmed: readonly number[]
  readonly ackAccepted: readonly number[]
  readonly ackConfirmed: readonly number[]
  readonly staleAck: boolean
  readonly outOfOrder: boolean
  readonly afterAck: boolean
}

interface Op {
  readonly op: 'append' | 'repeat' | 'remove'
  readonly id: number
}

interface Lease {
  readonly attempt: number
  /** Tells two leases apart that look the same to the node. */
  readonly serial: number
  readonly isEnding: boolean
}

interface Token {
  readonly id: number
  readonly attempt: number
  readonly boot: number
  readonly serial: number
}

export interface Bounds {
  /** The priority of each key. */
  readonly keys: Readonly<Record<string, number>>
  readonly sends: number
  readonly crashes: number
  readonly leases: number
}

/** Ways to build it wrong, which the invariants must find. */
export interface Mistakes {
  readonly confirmsBeforeWriting?: boolean
  readonly ignoresBoot?: boolean
  readonly ignoresAttempt?: boolean
  readonly returnsToTheEnd?: boolean
  readonly forgetsKeysUnderWay?: boolean
  readonly keepsCursorInCrash?: boolean
}

const EMPTY: MailboxState = {
  boot: 1,
  keyOf: [],
  disk: [],
  known: {},
  filling: [],
  writing: [],
  leases: {},
  attempts: {},
  cursor: [],
  returned: [],
  tokens: [],
  sends: 0,
  crashes: 0,
  leased: 0,
  sendConfirmed: [],
  ackAccepted: [],
  ackConfirmed: [],
  staleAck: false,
  outOfOrder: false,
  afterAck: false
}

export function mailboxModel(bounds: Bounds, mistakes: Mistakes = {}): Model<MailboxState> {
  const priorities = Math.max(...Object.values(bounds.keys)) + 1
  const nothingRead = Array.from({ length: priorities }, () => -1)
  return {
    initial: { ...EMPTY, cursor: nothingRead },
    *steps(state) {
      for (const key of Object.keys(bounds.keys))
        if (state.sends < bounds.sends) yield [`Send(${key})`, send(state, key, mistakes)]
      if (state.writing.length === 0 && state.filling.length > 0)
        yield ['StartWrite', { ...state, writing: state.filling, filling: [] }]
      if (state.writing.length > 0) yield ['FinishWrite', finished(state)]
      if (state.leased < bounds.leases) yield* deliver(state, bounds, mistakes)
      for (const [id, { isEnding }] of Object.entries(state.leases))
        if (!isEnding) yield [`Expire(${id})`, returned(state, Number(id), mistakes)]
      for (const token of state.tokens) {
        const isGood = isCurrent(state, token, mistakes)
        if (isGood) yield [`Ack(${token.id})`, acked(state, token)]
        if (isGood) yield [`Nack(${token.id})`, returned(state, token.id, mistakes)]
      }
      if (state.crashes < bounds.crashes)
        for (const isWritten of [false, true])
          for (const hasAttempts of [false, true])
            yield [
              `Crash(${isWritten}, ${hasAttempts})`,
              crashed(state, {
                isWritten,
                hasAttempts,
                cursor: mistakes.keepsCursorInCrash ? state.cursor : nothingRead
              })
            ]
    },
    invariants: INVARIANTS
  }
}

const INVARIANTS: Model<MailboxState>['invariants'] = {
  /** A send that was confirmed is on the disk until somebody's acknowledgement was taken. */
  NoLostAck: ({ sendConfirmed, disk, ackAccepted }) =>
    sendConfirmed.every(id => disk.includes(id) || ackAccepted.includes(id)),
  /** Only the holder of the lease that lives ends it, and what was confirmed as ended is not delivered. */
  NoStaleAckAccepted: ({ staleAck, afterAck }) => !staleAck && !afterAck,
  /** Of what is there and not leased, the first by priority, then id, is delivered. */
  FifoWithinPriority: ({ outOfOrder }) => !outOfOrder,
  /** One key makes one message. */
  OneMessagePerKey: ({ keyOf, disk, ackConfirmed }) => {
    const stored = [...new Set([...disk, ...ackConfirmed])].map(id => keyOf[id])
    return new Set(stored).size === stored.length
  }
}

function send(
  state: MailboxState,
  key: string,
  { confirmsBeforeWriting, forgetsKeysUnderWay }: Mistakes
): MailboxState {
  const underWay = forgetsKeysUnderWay ? [] : [...state.writing, ...state.filling]
  const known =
    state.known[key] ?? underWay.find(({ op, id }) => op === 'append' && state.keyOf[id] === key)?.id
  const id = known ?? state.keyOf.length
  const op: Op = { op: known === undefined ? 'append' : 'repeat', id }
  return {
    ...state,
    sends: state.sends + 1,
    keyOf: known === undefined ? [...state.keyOf, key] : state.keyOf,
    filling: [...state.filling, op],
    sendConfirmed: confirmsBeforeWriting ? withOne(state.sendConfirmed, id) : state.sendConfirmed
  }
}

/** What is durable once a batch is. */
function written(state: MailboxState): Pick<MailboxState, 'disk' | 'known'> {
  let disk = state.disk
  let known = state.known
  for (const { op, id } of state.writing) {
    if (op === 'append') {
      disk = withOne(disk, id)
      known = { ...known, [state.keyOf[id]!]: id }
    }
    if (op === 'remove') disk = without(disk, id)
  }
  return { disk, known }
}

function finished(state: MailboxState): MailboxState {
  const ended = idsOf(state.writing, 'remove')
  return {
    ...state,
    ...written(state),
    writing: [],
    sendConfirmed: state.writing.reduce(
      (all, { op, id }) => (op === 'remove' ? all : withOne(all, id)),
      state.sendConfirmed
    ),
    ackConfirmed: ended.reduce(withOne, state.ackConfirmed),
    leases: Object.fromEntries(Object.entries(state.leases).filter(([id]) => !ended.includes(Number(id))))
  }
}

function* deliver(
  state: MailboxState,
  { keys }: Bounds,
  _mistakes: Mistakes
): Iterable<readonly [string, MailboxState]> {
  const priorityOf = (id: number): number => keys[state.keyOf[id]!]!
  for (let priority = state.cursor.length - 1; priority >= 0; priority--) {
    const back = state.returned.filter(id => priorityOf(id) === priority)
    const fresh = state.disk.filter(id => priorityOf(id) === priority && id > state.cursor[priority]!)
    // What came back lies before the cursor.
    const id = back.length > 0 ? Math.min(...back) : fresh.length > 0 ? Math.min(...fresh) : undefined
    if (id === undefined) continue
    const waiting = state.disk.filter(other => state.leases[other] === undefined)
    const first = waiting.sort((a, b) => priorityOf(b) - priorityOf(a) || a - b)[0]
    const attempt = (state.attempts[id] ?? 0) + 1
    const serial = state.leased
    yield [
      `Deliver(${id})`,
      {
        ...state,
        leased: state.leased + 1,
        attempts: { ...state.attempts, [id]: attempt },
        leases: { ...state.leases, [id]: { attempt, serial, isEnding: false } },
        tokens: [...state.tokens, { id, attempt, boot: state.boot, serial }],
        returned: without(state.returned, id),
        cursor: back.length > 0 ? state.cursor : state.cursor.with(priority, id),
        outOfOrder: state.outOfOrder || id !== first,
        afterAck: state.afterAck || state.ackConfirmed.includes(id)
      }
    ]
    return
  }
}

/** A message whose lease ended without an acknowledgement keeps its place. */
function returned(state: MailboxState, id: number, { returnsToTheEnd }: Mistakes): MailboxState {
  const { [id]: _, ...leases } = state.leases
  return { ...state, leases, returned: returnsToTheEnd ? state.returned : withOne(state.returned, id) }
}

/** All that the node looks at. */
function isCurrent(state: MailboxState, token: Token, { ignoresBoot, ignoresAttempt }: Mistakes): boolean {
  const lease = state.leases[token.id]
  return (
    lease !== undefined &&
    !lease.isEnding &&
    (ignoresAttempt === true || lease.attempt === token.attempt) &&
    (ignoresBoot === true || state.boot === token.boot)
  )
}

function acked(state: MailboxState, { id, serial }: Token): MailboxState {
  const lease = state.leases[id]!
  return {
    ...state,
    filling: [...state.filling, { op: 'remove', id }],
    leases: { ...state.leases, [id]: { ...lease, isEnding: true } },
    ackAccepted: withOne(state.ackAccepted, id),
    staleAck: state.staleAck || lease.serial !== serial
  }
}

/** What is in memory is gone; the batch that was written is on the disk or not, whole; attempts may be forgotten. */
function crashed(
  state: MailboxState,
  { isWritten, hasAttempts, cursor }: { isWritten: boolean; hasAttempts: boolean; cursor: readonly number[] }
): MailboxState {
  return {
    ...state,
    ...(isWritten ? written(state) : {}),
    boot: state.boot + 1,
    crashes: state.crashes + 1,
    filling: [],
    writing: [],
    leases: {},
    attempts: hasAttempts ? state.attempts : {},
    returned: [],
    cursor
  }
}

const idsOf = (batch: readonly Op[], op: Op['op']): number[] =>
  batch.filter(each => each.op === op).map(({ id }) => id)

const withOne = (ids: readonly number[], id: number): readonly number[] =>
  ids.includes(id) ? ids : [...ids, id].sort((a, b) => a - b)

const without = (ids: readonly number[], id: number): readonly number[] => ids.filter(other => other !== id)
