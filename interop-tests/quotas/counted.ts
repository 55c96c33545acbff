import assert from 'node:assert/strict'
import type { Told } from './told.ts'

/** The sum of the series of a name whose labels match. */
export type Counted = (name: string, labels?: RegExp) => number

/** The metrics of the node that serves HTTP at `http`. */
export async function scraped(http: string): Promise<Counted> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const series = text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels, value: Number(value) }]
  })
  return (name, labels = /(?:)/) =>
    series
      .filter(one => one.name === name && labels.test(one.labels))
      .reduce((sum, one) => sum + one.value, 0)
}

/** @throws where a node counted calls of echo, refusals or bytes otherwise than its callers, who are all there were. */
export function assertCounted(counted: Counted, told: Told): void {
  assert.equal(counted('requests_total', /service="echo"/), told.calls)
  for (const [status, times] of told.statuses)
    assert.equal(counted('requests_total', new RegExp(`service="echo".*status="${status}"`)), times)
  for (const [code, times] of told.codes)
    assert.equal(counted('rejected_total', new RegExp(`reason="${code}"`)), times, code)
  assert.equal(counted('rejected_total'), told.calls - told.statuses.get(0)!)
  assert.equal(counted('bytes_in_total', /service="echo"/), told.bytesSent)
  assert.equal(counted('bytes_out_total', /service="echo"/), told.bytesReceived)
}
