import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'

const SOURCE = fileURLToPath(new URL('boxo/', import.meta.url))
const BUILT = fileURLToPath(new URL('../.cache/', import.meta.url))
const BINARY = `${BUILT}boxo`
const BUILD_MS = 15 * 60_000
const PATH = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')

/** Builds the command of Kubo's libraries from its source. @throws with what the compiler said. */
export function buildBoxo(): void {
  mkdirSync(BUILT, { recursive: true })
  const { status, error, stderr } = spawnSync('go', ['build', '-buildvcs=false', '-o', BINARY, '.'], {
    cwd: SOURCE,
    timeout: BUILD_MS,
    encoding: 'utf8',
    env: { ...process.env, PATH }
  })
  if (status !== 0) throw new Error(`cannot build boxo: ${error?.message ?? stderr}`)
}

/** What it answers, as JSON. @throws with what it complained of. */
export async function boxo(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<unknown> {
  const child = spawn(BINARY, args)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (answer === '') throw new Error(`boxo ${args[0]}: ${complaint.trim()}`)
  return JSON.parse(answer)
}
