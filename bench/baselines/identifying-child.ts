import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type * as transport from '../../transport/index.ts'
import { answerParent } from '../harness/answering.ts'
import { Establishment } from '../harness/establishment.ts'

// The stack of the built package and nothing above it: a connection is up when identify has told who is there.

const [side, built] = process.argv.slice(2) as ['dialler' | 'listener', string]
const LOOK_MS = 10

const { createTransport } = (await import(
  pathToFileURL(join(built, 'transport/index.js')).href
)) as typeof transport

const establishment = new Establishment(side)
const privateKey = await generateKeyPair('Ed25519')
const node = await createTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
node.addEventListener('peer:identify', () => establishment.isUp())
let theOther = ''

/** Resolves once no connection is left. */
async function alone(): Promise<void> {
  while (node.getConnections().length > 0) await sleep(LOOK_MS)
}

answerParent(
  {
    self: () => String(node.getMultiaddrs()[0]),
    meet: ({ other }: { other: string }) => {
      theOther = other
    },
    expect: () => establishment.expect(),
    ended: () => establishment.ended(),
    connect: async () => {
      await node.dial(multiaddr(theOther), { force: true })
    },
    part: async () => {
      for (const connection of node.getConnections()) await connection.close()
      await alone()
    },
    parted: alone
  },
  () => node.stop()
)
