import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { CLEAR, silences } from './fault-plan.ts'
import type { Cut, Direction, LinkPlan, Ways } from './fault-plan.ts'
import { Flow } from './flow.ts'
import { FlowSchedule } from './flow-schedule.ts'
import { draw } from './random.ts'

const HOST = '127.0.0.1'

export interface FaultProxyOptions {
  /** The port on loopback where connections are passed on to. */
  readonly target: number
  readonly plan?: LinkPlan
  readonly seed?: number
}

/**
 * A TCP proxy on loopback that harms what passes as its plan says. The n-th connection suffers the same for the same
 * plan and seed. Memory is bounded: a flow that may not pass bytes on stops reading.
 */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #target: number
  readonly #links = new Set<Link>()
  #plan: LinkPlan
  #seed: number
  #accepted = 0
  peakHeldBytes = 0

  private constructor({ target, plan = CLEAR, seed = 0 }: FaultProxyOptions) {
    this.#target = target
    this.#plan = plan
    this.#seed = seed
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => this.#accept(client))
  }

  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(0, HOST, resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that have an open side. */
  get links(): number {
    return this.#links.size
  }

  partition(ways: Ways): void {
    for (const link of this.#links) link.partition(ways)
  }

  heal(): void {
    for (const link of this.#links) link.heal()
  }

  /** What connections to come suffer; those that are open keep their plan. */
  use(plan: LinkPlan): void {
    this.#plan = plan
  }

  /** The fault is over, for connections that are open and for those to come. */
  clear(): void {
    this.use(CLEAR)
    for (const link of this.#links) link.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const link of this.#links) link.reset()
    await closed
  }

  #accept(client: Socket): void {
    const node = connect({ host: HOST, port: this.#target, allowHalfOpen: true })
    const seed = Math.floor(draw(this.#seed, this.#accepted++) * 2 ** 32)
    const link = new Link(client, node, this.#plan, seed, {
      held: bytes => (this.peakHeldBytes = Math.max(this.peakHeldBytes, bytes)),
      gone: () => this.#links.delete(link)
    })
    this.#links.add(link)
  }
}

interface LinkOwner {
  held(bytes: number): void
  gone(): void
}

/** One proxied connection: two sockets and the flows between them. */
class Link {
  readonly #sockets: readonly Socket[]
  readonly #flows: Readonly<Record<Direction, Flow>>
  #isReset = false
  #isPartitioned = false
  #isBroken = false
  #healing: NodeJS.Timeout | undefined

  constructor(client: Socket, node: Socket, plan: LinkPlan, seed: number, owner: LinkOwner) {
    this.#sockets = [client, node]
    const flow = (direction: Direction, from: Socket, to: Socket): Flow =>
      new Flow(from, to, new FlowSchedule(plan[direction] ?? {}, seed ^ (direction === 'up' ? 0 : 1)), {
        held: bytes => owner.held(bytes),
        cut: cut => this.#cut(direction, cut)
      })
    this.#flows = { up: flow('up', client, node), down: flow('down', node, client) }
    let open = this.#sockets.length
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      socket.on('error', () => this.#broke())
      socket.on('close', () => {
        if (--open > 0) return
        clearTimeout(this.#healing)
        for (const each of Object.values(this.#flows)) each.stop()
        owner.gone()
      })
    }
    node.once('connect', () => client.resume())
  }

  partition(ways: Ways): void {
    clearTimeout(this.#healing)
    this.#isPartitioned = true
    for (const direction of ['up', 'down'] as const)
      if (silences(ways, direction)) this.#flows[direction].silence(true)
  }

  heal(): void {
    this.#healed()
    for (const flow of Object.values(this.#flows)) flow.silence(false)
  }

  clear(): void {
    this.#healed()
    for (const flow of Object.values(this.#flows)) flow.clear()
  }

  /** Ends both sides with RST, as an abrupt end of one side is passed on to the other. */
  reset(): void {
    if (this.#isReset) return
    this.#isReset = true
    for (const flow of Object.values(this.#flows)) flow.stop()
    for (const socket of this.#sockets) {
      // libuv refuses to reset a socket that is ending, and the handle would then never close.
      if (socket.connecting || socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  /** One side broke off. A partition swallows that as it swallows bytes. */
  #broke(): void {
    this.#isBroken = true
    if (!this.#isPartitioned) this.reset()
  }

  #healed(): void {
    clearTimeout(this.#healing)
    this.#isPartitioned = false
    if (this.#isBroken) this.reset()
  }

  #cut(direction: Direction, cut: Cut): void {
    if (cut.kind === 'partition') {
      this.partition(cut.ways)
      this.#healing = setTimeout(() => this.heal(), cut.forMs)
    } else if (cut.kind === 'half-close') this.#flows[direction].halfClose()
    else this.reset()
  }
}
