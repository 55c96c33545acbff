import { spawnSync } from 'node:child_process'
import { goBuild, goBuilt } from '../go-build.ts'

const BINARY = goBuilt('audit-oracle')
const ANSWER_MS = 60_000

/** Builds the oracle from its source. @throws with what the compiler said. */
export const buildAuditOracle = (): string =>
  goBuild({ name: 'audit-oracle', source: new URL('go-oracle/', import.meta.url) })

/** What the oracle answers, as JSON. @throws with what it complained of. */
export function askOracle(args: readonly string[], input?: object): Record<string, unknown> {
  const { status, error, stdout, stderr } = spawnSync(BINARY, args, {
    timeout: ANSWER_MS,
    encoding: 'utf8',
    input: input === undefined ? '' : JSON.stringify(input)
  })
  if (status !== 0) throw new Error(`the audit oracle: ${error?.message ?? stderr.trim()}`)
  return JSON.parse(stdout) as Record<string, unknown>
}
