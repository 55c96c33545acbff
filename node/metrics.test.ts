import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

const REASONS = ['bad_frame', 'saturated', 'crash_exception'] as const

test('has every reason, quota and counter from the start, with 0', async () => {
  const text = await fresh().text()

  for (const reason of REASONS) assert.ok(text.includes(`\nrejected_total{reason="${reason}"} 0\n`))
  for (const quota of ['peer', 'tenant', 'capability']) {
    assert.ok(text.includes(`\nquota_exhaustions_total{quota="${quota}"} 0\n`))
  }
  assert.match(text, /\nbus_overflow_dropped_total 0\n/)
  assert.match(text, /\ninflate_ratio_count 0\n/)
  assert.match(text, /\nprocess_cpu_seconds_total /)
})

test('counts calls, bytes and time under the labels of their operation', async () => {
  const metrics = fresh()
  const echo = metrics.operation('echo', 'echo')

  for (const status of [0, 0, 503, 299]) {
    echo.begin()
    echo.received(10)
    echo.sent(20)
    echo.end(status, 0.002)
  }
  echo.begin()

  const text = await metrics.text()
  const labels = 'service="echo",operation="echo"'
  for (const line of [
    `requests_total{${labels},status="0"} 2`,
    `requests_total{${labels},status="503"} 1`,
    `requests_total{${labels},status="other"} 1`,
    `bytes_in_total{${labels}} 40`,
    `bytes_out_total{${labels}} 80`,
    `inflight{${labels}} 1`,
    `latency_seconds_bucket{${labels},le="0.001"} 0`,
    `latency_seconds_bucket{${labels},le="0.0025"} 4`,
    `latency_seconds_bucket{${labels},le="+Inf"} 4`,
    `latency_seconds_sum{${labels}} 0.008`,
    `latency_seconds_count{${labels}} 4`
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line)
  }
})

test('counts by one label whose values are known, from the start', async () => {
  const metrics = fresh()
  const count = metrics.counters('endings_total', 'How it ended.', 'outcome', ['well', 'badly'])

  count('well')

  const text = await metrics.text()
  assert.match(text, /\nendings_total\{outcome="well"\} 1\nendings_total\{outcome="badly"\} 0\n/)
  assert.throws(() => count('otherwise' as 'well'), RangeError)
})

test('gives the same handles for the same operation', () => {
  const metrics = fresh()

  assert.equal(metrics.operation('echo', 'echo'), metrics.operation('echo', 'echo'))
})

test('counts a crash twice: as a crash of its service and as a rejection', async () => {
  const metrics = fresh()

  metrics.crashed('echo', 'crash_exception')

  const text = await metrics.text()
  assert.match(text, /\nservice_crashes_total\{service="echo",reason="crash_exception"\} 1\n/)
  assert.match(text, /\nrejected_total\{reason="crash_exception"\} 1\n/)
})

test('refuses a reason outside the closed list, in either counter, and counts nothing', async () => {
  const metrics = createMetrics<string>({ reasons: REASONS })
  const before = samples(await metrics.text())

  assert.throws(() => metrics.rejected('unheard_of'), /unheard_of is not in the closed list/)
  assert.throws(() => metrics.crashed('echo', 'unheard_of'), RangeError)

  assert.deepEqual(samples(await metrics.text()), before)
})

test('reads a gauge when it is scraped', async () => {
  const metrics = fresh()
  let open = 1
  metrics.gauge('connections', 'Open connections.', () => open)
  open = 7

  assert.match(await metrics.text(), /\nconnections 7\n/)
})

test('keeps two nodes of one process apart', async () => {
  const [a, b] = [fresh(), fresh()]

  a.rejected('bad_frame')

  assert.match(await b.text(), /\nrejected_total\{reason="bad_frame"\} 0\n/)
})

const missing = spawnSync('promtool', ['--version']).error === undefined ? false : 'promtool is not installed'

test(
  'promtool finds nothing wrong with the text but names that are fixed elsewhere',
  { skip: missing },
  async () => {
    const metrics = fresh()
    metrics.operation('echo', 'echo').end(0, 0.1)
    metrics.crashed('echo', 'crash_exception')

    const { stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
      input: await metrics.text(),
      encoding: 'utf8'
    })

    const complaints = `${stdout}${stderr}`
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('nodejs_'))
    assert.deepEqual(complaints, [])
  }
)

function fresh() {
  return createMetrics({ reasons: REASONS })
}

function samples(text: string): string[] {
  return text.split('\n').filter(line => /^(rejected|service)/.test(line))
}
