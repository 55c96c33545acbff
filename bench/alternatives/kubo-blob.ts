import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { blobPieces } from '../harness/blob-contender.ts'
import type { BlobClient, BlobOptions } from '../harness/blob-contender.ts'
import type { EchoServer } from '../harness/echo-contender.ts'

const START_MS = 30_000
const LOOK_MS = 50

/** A Kubo daemon on loopback that knows nobody, with a folder of its own and all else as it comes. */
class Kubo {
  readonly pid: number
  readonly #program: string
  readonly #folder: string
  readonly #api: string
  readonly #stop: () => Promise<void>

  private constructor(program: string, folder: string, pid: number, api: string, stop: () => Promise<void>) {
    this.pid = pid
    this.#program = program
    this.#folder = folder
    this.#api = api
    this.#stop = stop
  }

  static async start(program: string | undefined): Promise<Kubo> {
    if (program === undefined) throw new Error('kubo: no program given')
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    const env = { ...process.env, IPFS_PATH: folder, IPFS_TELEMETRY: 'off' }
    await promisify(execFile)(program, ['init', '--profile=test'], { env })
    const daemon = spawn(program, ['daemon'], { env, stdio: 'ignore' })
    const ended = once(daemon, 'exit')
    process.once('exit', () => daemon.kill('SIGKILL'))
    const stop = async (): Promise<void> => {
      daemon.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    }
    const until = Date.now() + START_MS
    for (;;) {
      const api = await readFile(join(folder, 'api'), 'utf8').catch(() => undefined)
      if (api !== undefined) {
        const port = /\/tcp\/(\d+)/.exec(api)?.[1]
        return new Kubo(program, folder, daemon.pid!, `http://127.0.0.1:${port}/api/v0`, stop)
      }
      if (Date.now() > until || daemon.exitCode !== null) {
        await stop()
        throw new Error(`kubo: not ready in ${START_MS} ms`)
      }
      await sleep(LOOK_MS)
    }
  }

  async ask(path: string): Promise<Response> {
    const answer = await fetch(`${this.#api}/${path}`, { method: 'POST' })
    if (!answer.ok) throw new Error(`kubo: ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  /** Yields the content id. */
  async add(pieces: Iterable<Uint8Array>): Promise<string> {
    const env = { ...process.env, IPFS_PATH: this.#folder }
    const adding = spawn(this.#program, ['add', '-Q', '--cid-version=1'], {
      env,
      stdio: ['pipe', 'pipe', 'inherit']
    })
    const said = adding.stdout.setEncoding('utf8').toArray()
    await pipeline(pieces, adding.stdin)
    return (await said).join('').trim()
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

export async function listen({ bytes, program }: BlobOptions): Promise<EchoServer> {
  const kubo = await Kubo.start(program)
  const cid = await kubo.add(blobPieces(bytes))
  const { Addresses } = (await (await kubo.ask('id')).json()) as { readonly Addresses: readonly string[] }
  return { address: `${Addresses[0]} ${cid}`, helpers: [kubo.pid], close: () => kubo.stop() }
}

/** What was read is thrown away before each reading. */
export async function dial(address: string, { program }: BlobOptions): Promise<BlobClient> {
  const [peer = '', cid = ''] = address.split(' ')
  const kubo = await Kubo.start(program)
  return {
    helpers: [kubo.pid],
    prepare: async () => {
      await (await kubo.ask('repo/gc?quiet=true')).arrayBuffer()
      await (await kubo.ask(`swarm/connect?arg=${encodeURIComponent(peer)}`)).arrayBuffer()
    },
    read: async () => {
      let came = 0
      for await (const piece of (await kubo.ask(`cat?arg=${cid}`)).body!) came += piece.length
      return came
    },
    close: () => kubo.stop()
  }
}
