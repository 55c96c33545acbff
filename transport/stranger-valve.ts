import type { Socket } from 'node:net'
import { isLoopbackIp, siteOfIp } from './remote-prefix.ts'
import { StrangerBudget } from './stranger-budget.ts'
import type { StrangerCost } from './stranger-budget.ts'
import { WaitingNetworks } from './waiting-networks.ts'
import type { WaitingBounds } from './waiting-networks.ts'

export interface ValveOptions extends WaitingBounds {
  /** What strangers may have of the event loop's time while it is busy; 100 for a valve that never shuts. */
  readonly maxLoopPercent: number
  /** Who has waited for that long is refused. */
  readonly maxWaitMs: number
  readonly loopbackIsKnown: boolean
  /** What part of the time since it was last asked the event loop was busy, from 0 to 1. */
  readonly utilisation: () => number
  readonly now: () => number
  readonly onRefused: (ip: string) => void
}

interface Newcomer {
  readonly socket: Socket
  readonly ip: string
  /** Hands it to whoever listens, who has not heard of it yet. */
  readonly letIn: () => void
  readonly forget: () => void
}

/**
 * While the event loop is busy, has those who connect wait before anything is read from their sockets, and lets them in
 * one by one, as the share of the loop allows that strangers may have. Nobody has shown who they are at that point, so
 * this holds for all who connect but those from a loopback that is known.
 */
export class StrangerValve {
  readonly #o: ValveOptions
  readonly #waiting: WaitingNetworks<Newcomer>
  readonly #budget: StrangerBudget
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  /** How many had to wait, all told. */
  waited = 0

  constructor(options: ValveOptions) {
    this.#o = options
    this.#waiting = new WaitingNetworks(options)
    this.#budget = new StrangerBudget(options.maxLoopPercent / 100, options.now())
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Time that the event loop has spent on what strangers sent, in milliseconds. */
  get spentMs(): number {
    return this.#budget.spentMs
  }

  /** Takes a socket that a server has accepted and that is not read yet; it is let in, now or later, or destroyed. */
  arrived(socket: Socket, letIn: () => void): void {
    const ip = socket.remoteAddress
    // It has left already.
    if (ip === undefined) return void socket.destroy()
    if (this.#o.loopbackIsKnown && isLoopbackIp(ip)) return letIn()
    const now = this.#o.now()
    const site = siteOfIp(ip)
    const isFree =
      this.#waiting.size === 0 && this.#budget.dueIn(this.#waiting.isProven(site, now), now) === 0
    if (isFree) {
      this.#waiting.served(site)
      this.#budget.letIn(now)
      return letIn()
    }
    this.#hold(socket, ip, site, letIn)
  }

  /** The costs of a stranger that was let in. */
  open(isMeasured: boolean): StrangerCost {
    return this.#budget.open(isMeasured)
  }

  /** A hub has proved itself from this address, or its link has ended. */
  prove(ip: string): void {
    this.#waiting.prove(siteOfIp(ip), this.#o.now())
  }

  /** To be called four times a second. */
  sample(): void {
    for (const newcomer of this.#waiting.takeOverdue(this.#o.now() - this.#o.maxWaitMs))
      this.#refuse(newcomer)
    this.#budget.sample(this.#o.utilisation(), this.#waiting.size > 0)
    this.letDue()
  }

  /** Lets in who may come in by now; a timer of its own does so too. */
  letDue(): void {
    this.#timerAt = Infinity
    const isFirst = this.#waiting.nextIsFirst
    if (isFirst === undefined) return
    const now = this.#o.now()
    if (this.#budget.dueIn(isFirst, now) === 0) {
      const newcomer = this.#waiting.next()!
      newcomer.forget()
      this.#budget.letIn(now)
      newcomer.letIn()
    }
    this.#await()
  }

  /** Lets nobody wait any more: refuses them all. */
  close(): void {
    clearTimeout(this.#timer)
    for (const newcomer of this.#waiting.takeOverdue(Infinity)) this.#refuse(newcomer)
  }

  #hold(socket: Socket, ip: string, site: string, letIn: () => void): void {
    const onClose = (): void => this.#waiting.remove(newcomer)
    const newcomer: Newcomer = {
      socket,
      ip,
      letIn,
      forget: () => socket.off('close', onClose).off('error', ignore)
    }
    const queued = this.#waiting.add(newcomer, site, this.#o.now())
    if (!queued.ok) {
      socket.destroy()
      return this.#o.onRefused(ip)
    }
    this.waited++
    socket.on('close', onClose).on('error', ignore)
    if (queued.displaced !== undefined) this.#refuse(queued.displaced)
    this.#await()
  }

  #refuse({ socket, ip, forget }: Newcomer): void {
    forget()
    socket.on('error', ignore)
    socket.destroy()
    this.#o.onRefused(ip)
  }

  /** Until the next one is due: one comes in in a turn of the event loop. */
  #await(): void {
    const isFirst = this.#waiting.nextIsFirst
    if (isFirst === undefined) return
    const now = this.#o.now()
    const ms = Math.max(1, this.#budget.dueIn(isFirst, now))
    // Those who go on arriving must not put it off.
    if (now + ms >= this.#timerAt) return
    this.#timerAt = now + ms
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.letDue(), ms).unref()
  }
}

const ignore = (): void => undefined
