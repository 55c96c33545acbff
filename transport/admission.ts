import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Connection, Libp2p, MultiaddrConnection } from '@libp2p/interface'
import type { Gater } from './address-gate.ts'
import { boundInboundStreams, keptBytes, toShed } from './connection-streams.ts'
import type { LinkEvents, LinkedConnections } from './linked/linked-connections.ts'
import { watchNegotiations } from './negotiations.ts'
import { ipOf, isLoopback, prefixOf, prefixOfIp } from './remote-prefix.ts'
import type { StrangerCost } from './stranger-budget.ts'
import { StrangerLedger } from './stranger-ledger.ts'
import type { StrangerBounds, StrangerRefusal } from './stranger-ledger.ts'
import { StrangerTurns } from './stranger-turns.ts'
import { StrangerValve } from './stranger-valve.ts'
import { innards } from './tuned/message-stream.ts'

const SWEEP_INTERVAL_MS = 250
/** Streams of a stranger beside those of its calls: identify, ping, and those still negotiating. */
const SIDE_STREAMS = 8

export interface AdmissionOptions extends StrangerBounds {
  /** Connections from this machine are no strangers. Off for a node that serves others through a local proxy. */
  readonly loopbackIsKnown: boolean
  /** Streams of one stranger that serve calls. */
  readonly maxStreams: number
  /** Bytes that all strangers together may leave unread, or leave us to send. */
  readonly maxKeptBytes: number
  /** What strangers may have of the event loop's time while it is busy, before new ones wait; 100 for no such bound. */
  readonly maxLoopPercent: number
  /** New connections that wait; one more is refused. */
  readonly maxWaiting: number
  /** For how long one may wait. */
  readonly maxWaitMs: number
  /** What part of the time since it was last asked the event loop was busy, from 0 to 1; that of this thread if absent. */
  readonly utilisation?: () => number
  /** Told of every inbound connection that is refused or evicted; the prefix is not for a metric's label. */
  readonly onRefused?: (reason: StrangerRefusal, prefix: string) => void
  readonly now?: () => number
}

/** Who may connect, and who must leave again. */
export interface Admission {
  /** For `createTransport`: refuses inbound connections before any cryptography is spent on them. */
  readonly connectionGater: Gater
  /** Strangers' connections at present, those being upgraded included. */
  readonly strangers: number
  /** Connections that wait to be let in, how many have had to so far, and what the event loop spent on strangers' input. */
  readonly valve: Pick<StrangerValve, 'waiting' | 'waited' | 'spentMs' | 'sample'>
  /** False for connections that we dialled, that were promoted, or that come from a known loopback. */
  isStranger(connection: Connection): boolean
  /** To be called once a connection has shown a verified token: it is known until it closes. */
  promote(connection: Connection): void
  /**
   * Until the returned function is called: a connection with a link is known for as long as it has it. Then it is a
   * stranger's again, with its grace and by the bounds of a new one: where these have no place for it, it is closed.
   */
  follow(links: LinkedConnections): () => void
  callStarted(connection: Connection): void
  callEnded(connection: Connection): void
  /** Closes strangers whose grace is over; `watch` does it four times a second. */
  closeOverdue(): void
  /**
   * While strangers keep too many bytes waiting, closes those who keep most and refuses their networks for a while;
   * `watch` does it four times a second.
   */
  shed(): void
  /** Follows the node's connections until the returned function is called. */
  watch(node: Libp2p): () => void
}

/** Applies the bounds for strangers to a node's inbound connections. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { loopbackIsKnown, onRefused, now = Date.now } = options
  const ledger = new StrangerLedger(options)
  const valve = new StrangerValve({
    ...options,
    maxOfNetwork: options.maxPerPrefix,
    utilisation: options.utilisation ?? ownUtilisation(),
    now,
    onRefused: ip => onRefused?.('stranger_wait', prefixOfIp(ip))
  })
  const turns = new StrangerTurns()
  const costs = new Map<number, StrangerCost>()
  // A raw connection and the connection made from it share their timeline object, and nothing else that is public.
  const ids = new WeakMap<object, number>()
  const open = new Map<number, Connection>()
  const raws = new Map<number, MultiaddrConnection>()
  const streamsWhenKnown = new WeakMap<Connection, number>()
  const idOf = (connection: Connection) => ids.get(connection.timeline) ?? 0

  function denyInboundConnection(raw: MultiaddrConnection): boolean {
    if (loopbackIsKnown && isLoopback(raw.remoteAddr)) return false
    if (raw.status !== 'open') return true
    const prefix = prefixOf(raw.remoteAddr)
    const verdict = ledger.admit(prefix, now())
    if (!verdict.ok) {
      onRefused?.(verdict.refused, prefix)
      return true
    }
    if (verdict.evicted !== undefined) evict(verdict.evicted)
    ids.set(raw.timeline, verdict.id)
    raws.set(verdict.id, raw)
    costs.set(verdict.id, pace(raw, verdict.id))
    // Fires for a failed upgrade too: libp2p aborts the raw connection.
    raw.addEventListener('close', () => {
      ledger.release(verdict.id)
      open.delete(verdict.id)
      raws.delete(verdict.id)
      costs.get(verdict.id)?.end()
      costs.delete(verdict.id)
    })
    return false
  }

  /** What comes over anything but a socket of its own is neither paced nor measured. */
  function pace(raw: MultiaddrConnection, id: number): StrangerCost {
    const { socket } = raw as { socket?: Socket }
    const isPaced =
      socket !== undefined &&
      turns.pace(socket, {
        isStranger: () => ledger.isStranger(id),
        mayRead: () => innards(raw).readStatus !== 'paused',
        spend: ms => costs.get(id)?.spend(ms)
      })
    return valve.open(isPaced)
  }

  function forgive(id: number): void {
    costs.get(id)?.forgive()
    costs.delete(id)
  }

  /** A hub is at home there. */
  function prove({ remoteAddr }: Connection): void {
    const ip = ipOf(remoteAddr)
    if (ip !== undefined) valve.prove(ip)
  }

  /** Who is barred tries again and again: nothing is spent on it. */
  function denyInboundAddress(ip: string): boolean {
    const prefix = prefixOfIp(ip)
    if (!ledger.isBarred(prefix, now())) return false
    onRefused?.('stranger_prefix', prefix)
    return true
  }

  function evict(id: number): void {
    const raw = raws.get(id)
    if (raw === undefined) return
    onRefused?.('stranger_share', prefixOf(raw.remoteAddr))
    raw.abort(new Error('a stranger made room for others'))
  }

  function onOpen({ detail: connection }: CustomEvent<Connection>): void {
    const id = idOf(connection)
    if (!ledger.isStranger(id) || connection.status !== 'open') return
    open.set(id, connection)
    ledger.opened(id, now())
    bound(connection)
    watchNegotiations(
      connection,
      () => ledger.isStranger(id),
      () => onNegotiationFailed(id)
    )
  }

  function onNegotiationFailed(id: number): void {
    if (!ledger.negotiationFailed(id, now())) return
    ledger.bar(id, now())
    evict(id)
  }

  function bound(connection: Connection): void {
    const streams = boundInboundStreams(connection, options.maxStreams + SIDE_STREAMS)
    if (streams !== undefined) streamsWhenKnown.set(connection, streams)
  }

  function unbound(connection: Connection): void {
    const streams = streamsWhenKnown.get(connection)
    if (streams !== undefined) boundInboundStreams(connection, streams)
  }

  function onLinked({ detail: connection }: LinkEvents['linked']): void {
    prove(connection)
    forgive(idOf(connection))
    if (!ledger.isStranger(idOf(connection))) return
    ledger.park(idOf(connection))
    open.delete(idOf(connection))
    unbound(connection)
  }

  function onUnlinked({ detail: connection }: LinkEvents['unlinked']): void {
    prove(connection)
    if (connection.status !== 'open') return
    const verdict = ledger.unpark(idOf(connection), now())
    if (verdict === undefined) return
    if (!verdict.ok) {
      onRefused?.(verdict.refused, prefixOf(connection.remoteAddr))
      close(connection)
      return
    }
    if (verdict.evicted !== undefined) evict(verdict.evicted)
    open.set(verdict.id, connection)
    bound(connection)
  }

  function shed(): void {
    const holders = [...open].map(([id, connection]) => [id, keptBytes(connection)] as const)
    for (const id of toShed(holders, options.maxKeptBytes)) {
      ledger.bar(id, now())
      evict(id)
    }
  }

  function closeOverdue(): void {
    for (const id of ledger.overdue(now())) {
      const connection = open.get(id)
      if (connection !== undefined) close(connection)
    }
  }

  return {
    connectionGater: {
      denyInboundConnection,
      denyInboundAddress,
      holdInbound: (socket, letIn) => valve.arrived(socket, letIn)
    },
    get strangers() {
      return ledger.size
    },
    valve,
    isStranger: connection => ledger.isStranger(idOf(connection)),
    promote(connection) {
      ledger.promote(idOf(connection))
      forgive(idOf(connection))
      open.delete(idOf(connection))
      raws.delete(idOf(connection))
      unbound(connection)
    },
    follow(links) {
      links.addEventListener('linked', onLinked)
      links.addEventListener('unlinked', onUnlinked)
      return () => {
        links.removeEventListener('linked', onLinked)
        links.removeEventListener('unlinked', onUnlinked)
      }
    },
    callStarted: connection => ledger.callStarted(idOf(connection)),
    callEnded: connection => ledger.callEnded(idOf(connection), now()),
    closeOverdue,
    shed,
    watch(node) {
      const sweep = (): void => {
        closeOverdue()
        shed()
        valve.sample()
      }
      const timer = setInterval(sweep, SWEEP_INTERVAL_MS).unref()
      node.addEventListener('connection:open', onOpen)
      return () => {
        clearInterval(timer)
        valve.close()
        node.removeEventListener('connection:open', onOpen)
      }
    }
  }
}

/** How busy the event loop of this thread was since the last question. */
function ownUtilisation(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}

function close(connection: Connection): void {
  connection.close().catch(err => connection.abort(err as Error))
}
