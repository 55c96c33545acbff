import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { goBuild, goBuilt } from '../go-build.ts'

const COMMAND_MS = 120_000

/** Builds Kubo's `ipfs` from its Go module. @throws with what the compiler said. */
export const buildKubo = (): string =>
  goBuild({
    name: 'ipfs',
    source: new URL('kubo/', import.meta.url),
    main: 'github.com/ipfs/kubo/cmd/ipfs',
    env: { CGO_ENABLED: '0' }
  })

/** A repository of Kubo without a daemon, which asks nobody for anything, until it is disposed. */
export class KuboRepository implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async make(): Promise<KuboRepository> {
    const repository = new KuboRepository(await mkdtemp(join(tmpdir(), 'omnigate-kubo-')))
    await repository.run(['init', '--profile=test'])
    return repository
  }

  /** What `ipfs --offline` with these arguments prints. @throws with what it complained of. */
  async run(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<Buffer> {
    const child = spawn(goBuilt('ipfs'), ['--offline', ...args], {
      env: { ...process.env, IPFS_PATH: this.#folder, IPFS_TELEMETRY: 'off' },
      timeout: COMMAND_MS
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    const ended = once(child, 'close')
    const [printed, complaint] = await Promise.all([buffer(child.stdout), text(child.stderr)])
    const [code] = await ended
    if (code !== 0) throw new Error(`ipfs ${args.join(' ')}: ${complaint.trim()}`)
    return printed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
