import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { goBuild, goBuilt } from '../go-build.ts'

/** Builds the command of Kubo's libraries from its source. @throws with what the compiler said. */
export const buildBoxo = (): string =>
  goBuild({ name: 'boxo', source: new URL('boxo/', import.meta.url), env: { CGO_ENABLED: '0' } })

/** What it answers, as JSON. @throws with what it complained of. */
export async function boxo(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<unknown> {
  const child = spawn(goBuilt('boxo'), args)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (answer === '') throw new Error(`boxo ${args[0]}: ${complaint.trim()}`)
  return JSON.parse(answer)
}
