import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pino from 'pino'
import type * as omnigate from 'omnigate'
import { answerParent } from '../harness/answering.ts'
import { Establishment } from '../harness/establishment.ts'

// A whole hub of the built package on a folder of its own. It links with another when its operator allows that one, and
// does not any more when that is taken back; the hub that is dialled allows the other from the start.

interface OtherHub {
  readonly hub: string
  readonly address: string
}

const [side, built] = process.argv.slice(2) as ['dialler' | 'listener', string]
const UP = '"event":"LinkUp"'
const LOOK_MS = 10

const { connectAdmin, createNode, loadConfig } = (await import(
  pathToFileURL(join(built, 'node/index.js')).href
)) as typeof omnigate

const establishment = new Establishment(side)
const log = pino(
  { base: null },
  {
    write: (line: string) => {
      if (line.includes(UP)) establishment.isUp()
    }
  }
)

const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
const data = join(folder, 'hub')
const flags = { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false }
const node = createNode(loadConfig({ flags }).config, { data, init: true, overrides: { log } })
await node.start()
const { federation } = await connectAdmin(data)
let theOther: OtherHub | undefined

/** Resolves once no connection is left. */
async function alone(): Promise<void> {
  while (node.status()['connections'] !== 0) await sleep(LOOK_MS)
}

answerParent(
  {
    self: (): OtherHub => ({ hub: node.status().hub_id, address: node.status().addresses[0]! }),
    meet: async ({ other }: { other: OtherHub }) => {
      theOther = other
      if (side === 'listener') await federation.peer_add({ hub: other.hub, addresses: [] })
    },
    expect: () => establishment.expect(),
    ended: () => establishment.ended(),
    connect: async () => {
      const { hub, address } = theOther!
      await federation.peer_add({ hub, addresses: [address] })
    },
    part: async () => {
      await federation.peer_remove({ hub: theOther!.hub })
      await alone()
    },
    parted: alone
  },
  async () => {
    await node.stop()
    await rm(folder, { recursive: true })
  }
)
