import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { buildGoProgram, goProgram } from './go-program.ts'

/** Builds the command of Kubo's libraries from its source. @throws with what the compiler said. */
export const buildBoxo = (): void => buildGoProgram('boxo', 'boxo')

/** What it answers, as JSON. @throws with what it complained of. */
export async function boxo(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<unknown> {
  const child = spawn(goProgram('boxo'), args)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (answer === '') throw new Error(`boxo ${args[0]}: ${complaint.trim()}`)
  return JSON.parse(answer)
}
