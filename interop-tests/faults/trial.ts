import { connect } from 'omnigate/sdk'
import type { NodeConnection } from 'omnigate/sdk'
import { echoService } from 'omnigate/protocols'
import { LATE_MS, outcomeOf } from './calls.ts'
import type { Outcome } from './calls.ts'
import { CLEAR } from './fault-plan.ts'
import { FaultProxy } from './fault-proxy.ts'
import { isAtRest } from './measured-node.ts'
import type { MeasuredNode, NodeReading } from './measured-node.ts'
import { PeakRss } from './peak-rss.ts'
import type { Expected, Scenario } from './scenarios.ts'
import { WORKS } from './work.ts'
import type { Work } from './work.ts'

export type Encryption = 'noise' | 'tls'

export interface TrialResult {
  readonly scenario: string
  readonly encryption: Encryption
  readonly seed: number
  readonly answered: number
  /** How many calls were refused, by code. */
  readonly refused: Readonly<Record<string, number>>
  readonly slowestMs: number
  /** How far the node's memory rose above what it was when the trial began. */
  readonly grownBytes: number
  /** What must not be; empty for a trial that held. */
  readonly violations: readonly string[]
}

const DIAL_MS = 5000
const CLOSE_MS = 15_000
const AT_ONCE_MS = 15_000
const KEPT_MS = 60_000
const REST_MS = 30_000
/** The node asks a silent connection every 30 seconds whether it lives, and waits some seconds for the answer. */
const NOTICED_MS = 50_000
const MAX_GROWTH_BYTES = 64 * 2 ** 20
const MAX_HELD_BYTES = 262_144

/**
 * One scenario against one node: calls under the fault, then a fresh connection once it is over, over which all is looked
 * for that was acknowledged, then rest.
 */
export async function runTrial(
  node: MeasuredNode,
  scenario: Scenario,
  encryption: Encryption,
  seed: number
): Promise<TrialResult> {
  const rss = new PeakRss(node.pid)
  const target = Number(/\/tcp\/(\d+)/.exec(node.address)![1])
  await using proxy = await FaultProxy.listen({ target, plan: scenario.plan(seed), seed })
  const address = node.address.replace(/\/tcp\/\d+/, `/tcp/${proxy.port}`)
  const dial = (): Promise<NodeConnection> =>
    connect(address, { encryption: [encryption], dialTimeoutMs: DIAL_MS })

  const calm = (): Promise<NodeConnection> => connect(node.address, { encryption: [encryption] })
  const work = await WORKS[scenario.work ?? 'echo'](calm, seed)

  const outcomes = await underFault(dial, work)
  if (scenario.stays === true) proxy.use(CLEAR)
  else proxy.clear()
  const afterwards = await outcomeOf('fresh connection', AT_ONCE_MS, () => callOnce(dial))
  const lost: string[] = []
  const looked = await outcomeOf('what was acknowledged', KEPT_MS, async () => {
    await using hub = await calm()
    lost.push(...(await work.after(hub)))
  })
  const reading = await node.rest({ withinMs: scenario.stays === true ? NOTICED_MS : REST_MS })
  const grownBytes = rss.stop()
  return {
    scenario: scenario.name,
    encryption,
    seed,
    answered: outcomes.filter(({ kind }) => kind === 'answered').length,
    refused: codesOf(outcomes),
    slowestMs: Math.max(...outcomes.map(({ ms }) => ms)),
    grownBytes,
    violations: [
      ...[...outcomes, afterwards, looked].flatMap(broken),
      ...(looked.kind === 'refused' ? [`what was acknowledged: ${looked.code}, ${looked.why}`] : []),
      ...lost,
      ...unexpected(scenario.expected, outcomes),
      ...(afterwards.kind === 'refused'
        ? [`the fresh connection was refused: ${afterwards.code}, ${afterwards.why}`]
        : []),
      ...unrest(reading),
      ...(grownBytes <= MAX_GROWTH_BYTES ? [] : [`the node grew by ${grownBytes} bytes`]),
      ...(proxy.peakHeldBytes <= MAX_HELD_BYTES ? [] : [`the proxy held ${proxy.peakHeldBytes} bytes`])
    ]
  }
}

/** Connects, calls and closes while the fault lasts. */
async function underFault(dial: () => Promise<NodeConnection>, work: Work): Promise<Outcome[]> {
  let hub: NodeConnection | undefined
  const connecting = await outcomeOf('connect', DIAL_MS + LATE_MS, async () => void (hub = await dial()))
  if (hub === undefined) return [connecting]
  const calls = await work.under(hub)
  const opened = hub
  return [connecting, ...calls, await outcomeOf('close', CLOSE_MS, () => opened.close())]
}

async function callOnce(dial: () => Promise<NodeConnection>): Promise<void> {
  await using hub = await dial()
  await hub.client(echoService).echo({ body: new Uint8Array(1000) })
}

const broken = (outcome: Outcome): string[] =>
  outcome.kind === 'broken' ? [`${outcome.call}: ${outcome.text}`] : []

function unexpected(expected: Expected, outcomes: readonly Outcome[]): string[] {
  const refused = outcomes.filter(outcome => outcome.kind === 'refused')
  const isConnected = outcomes.length > 1
  const isMet = {
    'all answered': refused.length === 0,
    'some refused': isConnected && refused.length > 0,
    'no connection': !isConnected,
    'refused somewhere': refused.length > 0,
    any: true
  }[expected]
  if (isMet) return []
  const [first] = refused.map(({ call, why }) => `; first ${call}: ${why}`)
  return [`expected ${expected}, but ${refused.length} of ${outcomes.length} were refused${first ?? ''}`]
}

function unrest(reading: NodeReading): string[] {
  return [
    ...(isAtRest(reading) ? [] : [`the node still has open: ${JSON.stringify(reading.open)}`]),
    ...(reading.ready ? [] : ['the node is not ready']),
    ...reading.strays.map(stray => `node: ${stray}`)
  ]
}

function codesOf(outcomes: readonly Outcome[]): Record<string, number> {
  const codes: Record<string, number> = {}
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') codes[outcome.code] = (codes[outcome.code] ?? 0) + 1
  }
  return codes
}
