import { Child } from '../child.ts'
import { LAUNCHER, OurNode } from '../our-node.ts'
import { guardedNode } from './guarded-node.ts'

// Plays every case against fresh nodes of this checkout, one that opens echo to all and one that wants a capability, or
// against the multiaddr given, and prints the tables.
const RUN_MS = 10 * 60_000

const given = process.argv.slice(2)
process.exitCode = given.some(argument => argument.startsWith('/')) ? await play(given) : await playOurs()

async function playOurs(): Promise<number> {
  return Math.max(await playOpen(), await playGuarded())
}

async function playOpen(): Promise<number> {
  await using node = await OurNode.start()
  process.stdout.write('A node that opens echo to all\n')
  return await play([node.address, ...given], { RON_CAP: '' })
}

async function playGuarded(): Promise<number> {
  await using node = await guardedNode()
  process.stdout.write('\nA node that wants a capability\n')
  const args = ['--hub-key', node.hubKey, '--invite', await node.invite(), ...given]
  return await play([node.address, ...args], { RON_CAP: node.token })
}

async function play(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  await using child = new Child(process.execPath, [LAUNCHER, 'conformance', ...args], env)
  const { code, stdout, stderr } = await child.ended(RUN_MS)
  for (const line of stdout) process.stdout.write(`${line}\n`)
  process.stderr.write(stderr)
  return code ?? 1
}
