import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createClient } from 'omnigate/sdk'
import type { ClientOptions, Hub } from 'omnigate/sdk'
import type { Asked, Ready } from './node.ts'

const NODE = fileURLToPath(new URL('node.ts', import.meta.url))
const MAILBOX = 'mailbox:send,mailbox:recv'
const VERBS = { tiles: 'vest:get', alice: MAILBOX, bob: MAILBOX } as const

export type Name = keyof typeof VERBS

/** A node in a process of its own, and who calls it. */
export interface Cast {
  readonly http: string
  /** A client with a key and a capability of its own; a second one of a name has a connection of its own. */
  client(name: Name, options?: ClientOptions): Promise<Hub>
  /** Ends the node; resolves once it has written all that it writes, to `logFile` too. */
  stop(): Promise<void>
}

export interface Places {
  readonly data: string
  readonly tiles: string
  readonly logFile: string
}

/** Starts the node. Rejects where it ends before it serves: its log says why. */
export async function startCast({ data, tiles, logFile }: Places): Promise<Cast> {
  const keys = { tiles: await newKey(), alice: await newKey(), bob: await newKey() }
  const asked = Object.fromEntries(
    Object.entries(VERBS).map(([name, verb]): [string, Asked] => [
      name,
      { verb, peer: peerIdFromPrivateKey(keys[name as Name]).toString() }
    ])
  )
  const child = spawn(process.execPath, [NODE, data, tiles, JSON.stringify(asked)], {
    // It ends when this does not hold its input open any more.
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const log = createWriteStream(logFile)
  child.stderr.pipe(log)
  const ended = once(child, 'close')
  const early = ended.then(() => Promise.reject(new Error(`the node ended; see ${logFile}`)))
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), early])) as [string]
  early.catch(() => undefined)
  const { address, http, tokens } = JSON.parse(line) as Ready
  return {
    http,
    client: (name, options) =>
      createClient({ url: address, key: keys[name], cap: tokens[name]!, ...options }),
    async stop() {
      child.kill('SIGTERM')
      await ended
    }
  }
}

const newKey = () => generateKeyPair('Ed25519')
