import { type Metric, Registry, collectDefaultMetrics } from 'prom-client'
import { Distribution, Family, Series, valuesOf } from './metrics-series.ts'

const LATENCY_BOUNDS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const RATIO_BOUNDS = [1, 2, 3, 4, 5, 6, 8, 10]
const EVENT_LOOP_SAMPLE_MS = 100
const STATUSES = [0, 400, 401, 402, 403, 404, 408, 409, 413, 429, 499, 500, 502, 503, 504]

export type Quota = 'peer' | 'tenant' | 'capability'
/** What is refused before there is a call. */
export type Arrival = 'connection' | 'stream'

/** The handles of one operation, to be held by whoever serves it; no call of theirs allocates. */
export interface OperationMetrics {
  /** A call begins. */
  begin(): void
  /** It has ended with the status of the answer, 0 for success, this many seconds after `begin`. */
  end(status: number, seconds: number): void
  /** Bytes of whole frames received and sent. */
  received(bytes: number): void
  sent(bytes: number): void
}

export interface Metrics<Reason extends string = string> {
  /** The same handles for the same pair each time. Both names come from service tables, never from a peer. */
  operation(service: string, operation: string): OperationMetrics
  /** Likewise, of what has no frames: no bytes are shown of it. */
  unframed(service: string, operation: string): Pick<OperationMetrics, 'begin' | 'end'>
  /** @throws RangeError for a reason outside the closed list. */
  rejected(reason: Reason): void
  /** A crash counts as a rejection with the same reason. @throws RangeError likewise. */
  crashed(service: string, reason: Reason): void
  /** A call or HELLO was refused for want of it. */
  quotaExhausted(quota: Quota): void
  /** A connection or stream beyond its bounds was refused. */
  turnedAway(arrival: Arrival): void
  busDropped(count?: number): void
  /** Bytes out per byte in, of one inflated body. */
  inflated(ratio: number): void
  /** A gauge that is read when it is scraped. */
  gauge(name: string, help: string, read: () => number): void
  /** A number that only grows, read when it is scraped. */
  counter(name: string, help: string, read: () => number): void
  /**
   * A counter for each value of one label, all there from the start with 0; the function counts one.
   * @throws RangeError, from that function, for a value that is none of them.
   */
  counters<V extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly V[]
  ): (value: V) => void
  /** A counter with several labels, read when it is scraped; the values of labels must come from closed lists. */
  labelled(
    name: string,
    help: string,
    read: () => readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
  ): void
  /** Everything in Prometheus' text format, the process' own metrics included. */
  text(): Promise<string>
  readonly contentType: string
}

/**
 * The metrics of one node, under the names that the specification fixes. Every reason, status and quota is there from
 * the start with 0, so that a rate over them has a beginning. `reasons` is the closed list of rejections.
 */
export function createMetrics<Reason extends string>(options: {
  readonly reasons: readonly Reason[]
}): Metrics<Reason> {
  const registry = new Registry()
  // prom-client's own 10 ms would wake an idle node a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS })
  // Gauges named as counters are; the sum over the types of those beside them is the same.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
  const register = (family: Family): void => registry.registerMetric(family as unknown as Metric)

  const rejections = new Map(options.reasons.map(reason => [reason, new Series({ reason })]))
  const crashes = new Map<string, Series>()
  const quotas = { peer: quota('peer'), tenant: quota('tenant'), capability: quota('capability') }
  const arrivals = { connection: new Series(), stream: new Series() }
  const dropped = new Series()
  const ratios = new Distribution(RATIO_BOUNDS)
  const operations = new Map<string, Operation>()
  const each = (pick: (operation: Operation) => Series[]) => () =>
    valuesOf([...operations.values()].flatMap(pick))

  register(
    new Family(
      'counter',
      'requests_total',
      'Calls answered, by status.',
      each(o => o.answers())
    )
  )
  register(
    new Family(
      'counter',
      'bytes_in_total',
      'Bytes of frames received, headers included.',
      each(o => (o.isFramed ? [o.bytesIn] : []))
    )
  )
  register(
    new Family(
      'counter',
      'bytes_out_total',
      'Bytes of frames sent, headers included.',
      each(o => (o.isFramed ? [o.bytesOut] : []))
    )
  )
  register(
    new Family(
      'gauge',
      'inflight',
      'Calls under way.',
      each(o => [o.inflight])
    )
  )
  register(
    new Family('histogram', 'latency_seconds', 'Time from a call to the end of its answer.', () =>
      [...operations.values()].flatMap(o => o.latency.values('latency_seconds'))
    )
  )
  register(
    new Family('counter', 'rejected_total', 'What was refused, by reason.', () =>
      valuesOf(rejections.values())
    )
  )
  register(
    new Family('counter', 'service_crashes_total', 'Crashes of supervised parts.', () =>
      valuesOf(crashes.values())
    )
  )
  register(
    new Family('counter', 'quota_exhaustions_total', 'Calls and HELLOs refused for a quota.', () =>
      valuesOf(Object.values(quotas))
    )
  )
  for (const [arrival, series] of Object.entries(arrivals)) {
    const help = `Each ${arrival} that was refused for the bounds of its peer.`
    register(new Family('counter', `${arrival}s_refused_total`, help, () => valuesOf([series])))
  }
  register(
    new Family('counter', 'bus_overflow_dropped_total', 'Announcements dropped from a full queue.', () =>
      valuesOf([dropped])
    )
  )
  register(
    new Family('histogram', 'inflate_ratio', 'Bytes out for one byte in, of compressed bodies.', () =>
      ratios.values('inflate_ratio')
    )
  )

  const operation = (service: string, name: string, isFramed: boolean): Operation =>
    kept(operations, `${service} ${name}`, () => new Operation(service, name, isFramed))
  const rejected = (reason: Reason): void => {
    const series = rejections.get(reason)
    if (series === undefined)
      throw new RangeError(`rejected_total: ${reason} is not in the closed list of reasons`)
    series.add()
  }
  return {
    operation: (service, name) => operation(service, name, true),
    unframed: (service, name) => operation(service, name, false),
    rejected,
    crashed(service, reason) {
      rejected(reason)
      kept(crashes, `${service} ${reason}`, () => new Series({ service, reason })).add()
    },
    quotaExhausted: which => quotas[which].add(),
    turnedAway: arrival => arrivals[arrival].add(),
    busDropped: (count = 1) => dropped.add(count),
    inflated: ratio => ratios.observe(ratio),
    gauge: (name, help, read) =>
      register(new Family('gauge', name, help, () => [{ labels: {}, value: read() }])),
    counter: (name, help, read) =>
      register(new Family('counter', name, help, () => [{ labels: {}, value: read() }])),
    counters(name, help, label, values) {
      const all = new Map(values.map(value => [value, new Series({ [label]: value })]))
      register(new Family('counter', name, help, () => valuesOf(all.values())))
      return value => {
        const series = all.get(value)
        if (series === undefined) throw new RangeError(`${name}: ${value} is none of its ${label}s`)
        series.add()
      }
    },
    labelled: (name, help, read) => register(new Family('counter', name, help, () => [...read()])),
    text: () => registry.metrics(),
    contentType: registry.contentType
  }
}

class Operation implements OperationMetrics {
  readonly bytesIn: Series
  readonly bytesOut: Series
  readonly inflight: Series
  readonly latency: Distribution
  readonly isFramed: boolean
  readonly #statuses: ReadonlyMap<number, Series>
  readonly #otherStatus: Series

  constructor(service: string, operation: string, isFramed: boolean) {
    const labels = { service, operation }
    this.isFramed = isFramed
    this.bytesIn = new Series(labels)
    this.bytesOut = new Series(labels)
    this.inflight = new Series(labels)
    this.latency = new Distribution(LATENCY_BOUNDS_S, labels)
    this.#statuses = new Map(
      STATUSES.map(status => [status, new Series({ ...labels, status: String(status) })])
    )
    this.#otherStatus = new Series({ ...labels, status: 'other' })
  }

  begin(): void {
    this.inflight.add()
  }

  end(status: number, seconds: number): void {
    this.inflight.add(-1)
    this.latency.observe(seconds)
    // An application may answer with any number; each would be a series of its own for ever.
    ;(this.#statuses.get(status) ?? this.#otherStatus).add()
  }

  received(bytes: number): void {
    this.bytesIn.add(bytes)
  }

  sent(bytes: number): void {
    this.bytesOut.add(bytes)
  }

  answers(): Series[] {
    return [...this.#statuses.values(), this.#otherStatus]
  }
}

function quota(name: Quota): Series {
  return new Series({ quota: name })
}

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
