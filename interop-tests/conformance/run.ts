import { Child } from '../child.ts'
import { LAUNCHER, OurNode } from '../our-node.ts'

// Plays every case against a fresh node of this checkout, or against the multiaddr given, and prints the table.
const RUN_MS = 10 * 60_000

const given = process.argv.slice(2)
process.exitCode = given.some(argument => argument.startsWith('/')) ? await play(given) : await playOurs()

async function playOurs(): Promise<number> {
  await using node = await OurNode.start()
  return await play([node.address, ...given])
}

async function play(args: readonly string[]): Promise<number> {
  await using child = new Child(process.execPath, [LAUNCHER, 'conformance', ...args])
  const { code, stdout, stderr } = await child.ended(RUN_MS)
  for (const line of stdout) process.stdout.write(`${line}\n`)
  process.stderr.write(stderr)
  return code ?? 1
}
