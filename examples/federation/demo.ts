import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { content } from './content.ts'
import { Hub } from './hub.ts'
import { absence, letters } from './letters.ts'
import { pair } from './pair.ts'
import { rights } from './rights.ts'
import { shared } from './shared.ts'
import { msSince, tell } from './told.ts'
import { liar, witnesses } from './witnesses.ts'

const since = performance.now()
const top = await mkdtemp(join(tmpdir(), 'omnigate-demo-'))
const hubs = ['harbour', 'island', 'lighthouse'].map(name => new Hub(name, top))
const [harbour, island, lighthouse] = hubs as [Hub, Hub, Hub]
try {
  await Promise.all(hubs.map(hub => hub.start()))
  tell('started', `${hubs.length} hubs, each a process with a folder and keys of its own`)
  await pair(harbour, island)
  await pair(island, lighthouse)
  await content(lighthouse, harbour)
  await pair(harbour, lighthouse)
  await shared(harbour, [lighthouse, island], 20)
  await letters(harbour, island)
  await absence(harbour, island, 20)
  await rights(harbour, [island, lighthouse])
  await witnesses(harbour, 2)
  await liar(lighthouse, [harbour, island])
  tell('all held', `after ${msSince(since)}`)
} catch (error) {
  console.error(`failed    ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await Promise.all(hubs.map(hub => hub.kill()))
  await rm(top, { recursive: true, force: true })
}
