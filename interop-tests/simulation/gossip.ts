import { createHash } from 'node:crypto'
import type { HeardVerdict } from '../../node/shares/index.ts'
import { draw } from '../faults/random.ts'
import type { Network } from './network.ts'
import type { VirtualTime } from './virtual-time.ts'

/** @see specs/federation-shares.md, section 7 */
const D = { wanted: 4, low: 3, high: 6 } as const
/** How long gossipsub remembers what it has seen. */
const SEEN_MS = 120_000
const ONE_IN_TWICE = 0.03

interface Member {
  readonly hear: (from: number, line: Uint8Array) => HeardVerdict | Promise<HeardVerdict>
  /** Forgets nothing but what is too old: in the order of first sight. */
  readonly seen: Map<string, number>
  readonly mesh: Set<number>
}

export interface GossipOptions {
  readonly seed: number
  readonly time: VirtualTime
  readonly network: Network
  readonly lostOf100: number
  readonly carried: (to: number, line: Uint8Array) => void
}

/**
 * Announcements among linked hubs: each keeps a mesh of a few of them, and passes on what it judged to be good, once.
 * Stands for gossipsub without its control messages: nobody asks for what it missed. What is sent may be lost, come
 * twice, or late.
 */
export class Gossip {
  counts = none()
  readonly #o: GossipOptions
  readonly #members = new Map<number, Member>()
  #beats = 0

  constructor(options: GossipOptions) {
    this.#o = options
  }

  /** Counts from now on. */
  reset(): void {
    this.counts = none()
  }

  join(n: number, hear: Member['hear']): void {
    this.#members.set(n, { hear, seen: new Map(), mesh: new Set() })
  }

  leave(n: number): void {
    this.#members.delete(n)
    for (const { mesh } of this.#members.values()) mesh.delete(n)
  }

  seen(n: number): number {
    return this.#members.get(n)?.seen.size ?? 0
  }

  publish(n: number, line: Uint8Array): void {
    const member = this.#members.get(n)
    if (member === undefined) return
    member.seen.set(idOf(line), this.#o.time.ms)
    this.#passOn(n, member, line)
  }

  /** Once a second: meshes are mended, and what is old is forgotten. */
  beat(): void {
    this.#beats++
    for (const [n, { mesh, seen }] of this.#members) {
      const linked = this.#o.network.linked(n).filter(other => this.#members.has(other))
      for (const other of mesh) if (!linked.includes(other)) this.#part(n, other)
      if (mesh.size < D.low) this.#graft(n, mesh, linked)
      if (mesh.size > D.high)
        for (const other of this.#shuffled(n, [...mesh]).slice(D.wanted)) this.#part(n, other)
      for (const [id, ms] of seen) {
        if (ms + SEEN_MS > this.#o.time.ms) break
        seen.delete(id)
      }
    }
  }

  #graft(n: number, mesh: Set<number>, linked: readonly number[]): void {
    for (const other of this.#shuffled(n, linked)) {
      if (mesh.size >= D.wanted) return
      const theirs = this.#members.get(other)!.mesh
      // One that has none takes whoever asks: else a hub might find no peer at all.
      if (theirs.size >= D.high && mesh.size > 0) continue
      mesh.add(other)
      theirs.add(n)
    }
  }

  #part(one: number, other: number): void {
    this.#members.get(one)?.mesh.delete(other)
    this.#members.get(other)?.mesh.delete(one)
  }

  #shuffled(n: number, hubs: readonly number[]): number[] {
    const place = (hub: number): number => draw(this.#o.seed, 9, n, hub, this.#beats)
    return hubs.toSorted((a, b) => place(a) - place(b) || a - b)
  }

  #passOn(n: number, { mesh }: Member, line: Uint8Array, except?: number): void {
    for (const other of mesh) if (other !== except) this.#send(n, other, line)
  }

  /** Sends to one linked hub, whether it is in the mesh or not. */
  #send(from: number, to: number, line: Uint8Array): void {
    const { network, time, lostOf100 } = this.#o
    if (!network.isLinked(from, to)) return
    const { ms, draws } = network.fate(from, to)
    this.counts.lines++
    this.counts.bytes += line.length
    if (draws[0] * 100 < lostOf100) return
    const times = draws[1] < ONE_IN_TWICE ? 2 : 1
    for (let n = 0; n < times; n++) time.after(ms * (n + 1), () => this.#arrive(from, to, line))
  }

  #arrive(from: number, to: number, line: Uint8Array): void {
    const member = this.#members.get(to)
    if (member === undefined || !this.#o.network.isLinked(from, to)) return
    this.#o.carried(to, line)
    const id = idOf(line)
    if (member.seen.has(id)) return void this.counts.twice++
    member.seen.set(id, this.#o.time.ms)
    const judged = (verdict: HeardVerdict): void => {
      this.counts[verdict]++
      if (verdict === 'accept' && this.#members.get(to) === member) this.#passOn(to, member, line, from)
    }
    const verdict = member.hear(from, line)
    if (typeof verdict === 'string') judged(verdict)
    else this.#o.time.go(verdict.then(judged))
  }
}

const none = () => ({ lines: 0, bytes: 0, accept: 0, reject: 0, ignore: 0, twice: 0 })

const idOf = (line: Uint8Array): string => createHash('sha256').update(line).digest('base64')
