import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadConfig } from '../node/config/index.ts'
import { createNode } from '../node/index.ts'
import * as protocols from '../protocols/index.ts'

const FILES = readdirSync(import.meta.dirname).filter(name => name.endsWith('.toml'))

/** What an operator has to say for a file, and it says so itself. */
const LACKS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'mirror.toml': { OMNIGATE_MIRROR__CORE: 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a' }
}

for (const name of FILES) {
  test(`${name} loads`, () => {
    assert.ok(load(name, LACKS[name]))
  })
}

test('mirror.toml asks for the core to follow', () => {
  assert.throws(() => load('mirror.toml'), /mirror\.core: must name the hub/)
})

test('the two nodes have no port in common', () => {
  const ports = ['two-nodes-a.toml', 'two-nodes-b.toml'].flatMap(name => {
    const { node, http } = load(name).config
    return [...node.listen, http.listen].map(address => /(?:tcp\/|:)(\d+)/.exec(address)?.[1])
  })

  assert.equal(new Set(ports).size, 6)
})

test('production.toml reaches others over OAP alone, and asks everybody for a token', () => {
  const { config } = load('production.toml')

  assert.match(config.http.listen, /^127\.0\.0\.1:/)
  assert.deepEqual(
    [config.gateway.write_mode, config.gateway.write_requires_token, config.security.write_requires_auth],
    ['token', true, true]
  )
  assert.deepEqual(
    [config.gateway.private, config.strangers.loopbackIsKnown, config.capabilities.openVerbs],
    [true, false, []]
  )
})

test('dev.toml counts loopback as known and changes nothing else but the name', () => {
  const { config, origins } = load('dev.toml')

  const changed = Object.keys(origins).filter(path => origins[path] !== 'default')
  assert.deepEqual(changed, ['node.name', 'strangers.loopbackIsKnown'])
  assert.equal(config.strangers.loopbackIsKnown, true)
})

test('node.toml is what the defaults are', () => {
  assert.deepEqual(load('node.toml').config, loadConfig().config)
})

const WITHOUT_PROMTOOL =
  spawnSync('promtool', ['--version']).error === undefined ? false : 'promtool is not installed'

const MONITORING: Readonly<Record<string, readonly string[]>> = {
  'alerts.yml': matchesOf('alerts.yml', /^ *expr: (.*)$/gm),
  'grafana.json': matchesOf('grafana.json', /"expr": (".*")/g).map(text => JSON.parse(text) as string)
}

test('alerts and dashboard ask for what a running node shows', async t => {
  const texts = await scraped(t)
  // Prometheus itself says whether it could ask.
  const shown = new Set(['up', ...texts.flatMap(metricsOf)])

  for (const [name, queries] of Object.entries(MONITORING)) {
    assert.ok(queries.length >= 15, name)
    for (const query of queries) {
      assert.ok(metricsIn(query).length > 0, query)
      for (const metric of metricsIn(query)) assert.ok(shown.has(metric), `${name}: ${metric}`)
    }
  }
  assert.deepEqual(metricsIn('sum by (a, le) (rate(x_bucket{b="c_d"}[5m])) > 0 or y_z'), ['x_bucket', 'y_z'])

  const labels = labelsOf(texts.join('\n'))
  const queries = Object.values(MONITORING).flat()
  assert.deepEqual(
    queries.flatMap(query => labelProblems(query, labels)),
    []
  )
  assert.deepEqual(
    [
      'rate(requests_total{status="501"}[5m])',
      'ams_posts_total{decision=~"refused|lost"}',
      'ams_problems_total{kind="internal"}',
      'sum by (instance, type) (rate(http_refused_total[5m]))'
    ].map(query => labelProblems(query, labels)),
    [
      ['requests_total: status="501"'],
      ['ams_posts_total: decision="lost"'],
      ['ams_problems_total: kind="internal"'],
      ['http_refused_total: by type']
    ]
  )
})

test('each alert stands in the runbook of operating.md, and nothing else does', () => {
  const named = matchesOf('alerts.yml', /- alert: (\w+)/g)
  const [, section = ''] = read('../docs/operating.md').split('## Alerts\n')
  const described = [...section.split('\n## ')[0]!.matchAll(/^\| `(Omnigate\w+)` \|/gm)].map(
    ([, name]) => name!
  )

  assert.deepEqual(described.sort(), named.sort())
})

test('each alert leads to a place in operating.md, and each runbook names the alerts that lead to it', () => {
  const led = new Map<string, string[]>()
  for (const [, name, url] of read('alerts.yml').matchAll(/- alert: (\w+)[^]*?runbook_url: '(.*)'/g)) {
    const [page, place = ''] = url!.split('#')
    assert.equal(page, 'docs/operating.md')
    led.set(place, [...(led.get(place) ?? []), name!])
  }
  const page = read('../docs/operating.md')
  const places = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(' ', '-')
  )
  assert.equal([...led.values()].flat().length, read('alerts.yml').split('- alert: ').length - 1)
  assert.deepEqual(
    [...led.keys()].filter(place => !places.includes(place)),
    []
  )

  const runbooks = [...page.matchAll(/^### (.*)\n\nAlerts: (.*)\.$/gm)]
  for (const [, heading, names] of runbooks) {
    const wanted = led.get(heading!.toLowerCase().replaceAll(' ', '-')) ?? []
    assert.deepEqual([...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name!).sort(), wanted.sort(), heading)
  }
  const named = runbooks.map(([, heading]) => heading)
  assert.deepEqual(
    RUNBOOKS.filter(name => !named.includes(name)),
    []
  )
})

const RUNBOOKS = [
  'Deploy',
  'Upgrade',
  'Roll back',
  'Key compromise',
  'Split view',
  'Audit fork',
  'Quota storm',
  'Disk full'
]

test('the dashboard shows spam, refusals, retention, the age of snapshots and the state of signatures', () => {
  for (const query of [
    'sum by (decision) (rate(ams_posts_total{decision=~"refused|quarantined|rejected"}[5m]))',
    'sum by (kind) (increase(ams_removed_total[1h]))',
    'snapshot_age_seconds',
    'ams_manifests_unsigned',
    'sum by (code) (rate(ams_problems_total[5m])) > 0'
  ])
    assert.ok(MONITORING['grafana.json']!.includes(query), query)
  const { panels } = JSON.parse(read('grafana.json')) as { panels: { id: number; gridPos: object }[] }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  assert.equal(new Set(panels.map(({ gridPos }) => JSON.stringify(gridPos))).size, panels.length)
})

for (const [kind, name] of [
  ['rules', 'alerts.yml'],
  ['config', 'prometheus.yml']
] as const)
  test(`promtool takes ${name}`, { skip: WITHOUT_PROMTOOL }, () => {
    const { status, stdout, stderr } = promtool([kind, name])
    assert.equal(status, 0, stdout + stderr)
  })

test('promtool finds nothing wrong with what a running node shows', { skip: WITHOUT_PROMTOOL }, async t => {
  for (const text of await scraped(t)) {
    const { status, stdout, stderr } = promtool(['metrics'], text)
    assert.deepEqual([status, stdout + stderr], [0, ''])
  }
})

test('Prometheus is told where a node listens', () => {
  const [target] = matchesOf('prometheus.yml', /targets: \['(.*)'\]/g)

  assert.equal(target, loadConfig().config.http.listen)
})

/** What a node shows that was just started, and asked for a page of envelopes, as a core; and as a mirror. */
async function scraped(t: TestContext): Promise<readonly string[]> {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-configs-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  const data = join(top, 'hub')
  const core = await shownBy(data, {})
  for (const name of readdirSync(join(data, 'keys')).filter(key => MIRRORS_LACK.test(key)))
    rmSync(join(data, 'keys', name))
  return [core, await shownBy(data, { 'node.role': 'mirror', 'mirror.core': SOME_HUB })]
}

const SOME_HUB = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'
/** Keys that sign for a hub. */
const MIRRORS_LACK = /^(?:hub|message|receipt|witness|snapshot|manifest)\.key$/

async function shownBy(data: string, more: Readonly<Record<string, string>>): Promise<string> {
  const flags = {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'log.level': 'silent',
    ...more
  }
  await using node = createNode(loadConfig({ flags }).config, { data, init: true })
  await node.start()
  const url = String(node.status().http)
  await (await fetch(`${url}/ams/v1/envelopes`)).arrayBuffer()
  return (await fetch(`${url}/metrics`)).text()
}

/** Names of all that has a value, or none yet. */
const metricsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:# TYPE )?([a-z]\w*)/gm)].map(([, name]) => name!)

type Labels = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

/** The labels of each metric that has any, and their values. */
function labelsOf(text: string): Labels {
  const found = new Map<string, Map<string, Set<string>>>()
  for (const [, metric, all] of text.matchAll(/^([a-z]\w*)\{(.*)\} /gm)) {
    const labels = found.get(metric!) ?? new Map<string, Set<string>>()
    found.set(metric!, labels)
    for (const [, label, value] of all!.matchAll(/(\w+)="([^"]*)"/g))
      labels.set(label!, (labels.get(label!) ?? new Set()).add(value!))
  }
  return found
}

/** Labels that Prometheus adds; the job is its configuration's. */
const ADDED: Readonly<Record<string, readonly string[]>> = {
  instance: [],
  job: matchesOf('prometheus.yml', /job_name: '?([\w-]+)/g)
}
/** Each is shown once it was called. */
const OPERATIONS = (Object.values(protocols) as readonly unknown[]).flatMap(one =>
  typeof one === 'object' && one !== null && 'operations' in one ? Object.keys(one.operations as object) : []
)

/** What a query asks for by labels that its metrics do not have, or by values that these never have. */
function labelProblems(query: string, shown: Labels): string[] {
  const valuesOf = (metric: string, label: string): Iterable<string> | undefined =>
    ADDED[label] ?? (label === 'operation' ? OPERATIONS : shown.get(metric)?.get(label))
  const matchers = [...query.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([, metric, all]) =>
    [...all!.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)].flatMap(([, label, values]) =>
      values!
        .split('|')
        .filter(value => ![...(valuesOf(metric!, label!) ?? [])].includes(value))
        .map(value => `${metric}: ${label}="${value}"`)
    )
  )
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, all]) => all!.split(/, */))
  const missing = metricsIn(query)
    .filter(metric => shown.has(metric))
    .flatMap(metric =>
      grouped.filter(label => valuesOf(metric, label) === undefined).map(label => `${metric}: by ${label}`)
    )
  return [...matchers, ...missing]
}

function matchesOf(name: string, pattern: RegExp): string[] {
  return [...read(name).matchAll(pattern)].map(([, found]) => found!)
}

function promtool(check: readonly string[], input?: string) {
  return spawnSync('promtool', ['check', ...check], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    ...(input !== undefined && { input })
  })
}

const WORDS = ['by', 'or', 'and', 'unless']

/** The metrics in a query of Prometheus: names that are neither functions nor labels. */
function metricsIn(query: string): string[] {
  const bare = query.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)/g, ' ')
  return (bare.match(/\b[a-z]\w*\b(?!\s*\()/g) ?? []).filter(word => !WORDS.includes(word))
}

function load(name: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof loadConfig> {
  return loadConfig({ file: { path: name, text: read(name) }, env })
}

function read(name: string): string {
  return readFileSync(`${import.meta.dirname}/${name}`, 'utf8')
}
