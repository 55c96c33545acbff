import type { MetricValue } from 'prom-client'

type Labels = Readonly<Record<string, string>>

/** One number under one set of labels. Changing it allocates nothing. */
export class Series {
  value = 0
  readonly labels: Labels

  constructor(labels: Labels = {}) {
    this.labels = labels
  }

  add(amount = 1): void {
    this.value += amount
  }
}

/** Counts of observations up to each of some upper bounds. Observing allocates nothing. */
export class Distribution {
  readonly labels: Labels
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[], labels: Labels = {}) {
    this.labels = labels
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  values(name: string): SeriesValue[] {
    let count = 0
    const buckets = [...this.#bounds, '+Inf'].map((le, i) => {
      count += this.#counts[i] ?? 0
      return { metricName: `${name}_bucket`, labels: { ...this.labels, le: String(le) }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: this.labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.labels, value: count }
    ]
  }
}

type SeriesValue = MetricValue<string> & { readonly metricName?: string }

type Kind = 'counter' | 'gauge' | 'histogram'

/**
 * What prom-client's registry asks of a metric: its name, and its values when it is scraped. Keeping the numbers here
 * spares each call the label hashing of prom-client's own classes.
 */
export class Family {
  readonly name: string
  readonly help: string
  readonly type: Kind
  readonly #read: () => SeriesValue[]

  constructor(type: Kind, name: string, help: string, read: () => SeriesValue[]) {
    this.type = type
    this.name = name
    this.help = help
    this.#read = read
  }

  get() {
    return Promise.resolve({
      name: this.name,
      help: this.help,
      type: this.type,
      aggregator: 'sum',
      values: this.#read()
    })
  }

  reset(): void {}
}

export function valuesOf(series: Iterable<Series>): SeriesValue[] {
  return Array.from(series, ({ labels, value }) => ({ labels, value }))
}
