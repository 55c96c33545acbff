import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('go-oracle/', import.meta.url))
const BUILT = fileURLToPath(new URL('../.cache/', import.meta.url))
const BINARY = `${BUILT}audit-oracle`
const BUILD_MS = 5 * 60_000
const ANSWER_MS = 60_000
const PATH = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')

/** Builds the oracle from its source. @throws with what the compiler said. */
export function buildAuditOracle(): void {
  mkdirSync(BUILT, { recursive: true })
  const { status, error, stderr } = spawnSync('go', ['build', '-buildvcs=false', '-o', BINARY, '.'], {
    cwd: SOURCE,
    timeout: BUILD_MS,
    encoding: 'utf8',
    env: { ...process.env, PATH }
  })
  if (status !== 0) throw new Error(`cannot build the audit oracle: ${error?.message ?? stderr}`)
}

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
