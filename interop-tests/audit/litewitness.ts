import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { goBuild, goBuilt } from '../go-build.ts'

const NAME = 'litewitness'
const COMMAND_MS = 10_000
const START_MS = 20_000
const LOOK_MS = 50
const EMPTY_TREE = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')

/** Builds the witness of filippo.io/torchwood. @throws with what the compiler said. */
export const buildLitewitness = (): string =>
  goBuild({
    name: NAME,
    source: new URL('litewitness/', import.meta.url),
    main: 'filippo.io/torchwood/cmd/litewitness',
    env: { CGO_ENABLED: '0' }
  })

/** What it said to a request. */
export interface Answered {
  readonly status: number
  readonly body: string
}

/** A running litewitness with a database and a key of its own in a folder, until it is disposed. */
export class Litewitness implements AsyncDisposable {
  /** The text of its key, in the form of C2SP tlog-cosignature. */
  readonly key: string
  readonly #url: string
  readonly #database: string
  readonly #processes: readonly ChildProcess[]

  private constructor(url: string, key: string, database: string, processes: readonly ChildProcess[]) {
    this.#url = url
    this.key = key
    this.#database = database
    this.#processes = processes
  }

  /** `port` is to be free. */
  static async start(folder: string, port: number): Promise<Litewitness> {
    const [socket, key, database] = [join(folder, 'agent'), join(folder, 'key'), join(folder, 'witness.db')]
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const [, fingerprint = ''] = run('ssh-keygen', ['-l', '-f', key]).split(' ')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    const processes = [agent]
    try {
      await until('the socket of ssh-agent', () => existsSync(socket))
      run('ssh-add', ['-q', key], { SSH_AUTH_SOCK: socket })
      const listen = `127.0.0.1:${port}`
      const args = [
        '-name',
        'example.com/witness',
        '-key',
        fingerprint,
        '-db',
        database,
        '-ssh-agent',
        socket,
        '-listen',
        listen
      ]
      const witness = spawn(goBuilt(NAME), args, { stdio: ['ignore', 'ignore', 'pipe'] })
      processes.push(witness)
      let said = ''
      witness.stderr.on('data', (text: Buffer) => void (said += text.toString()))
      const vkey = (): string | undefined => /vkey="?(\S+?)"?\s/.exec(said)?.[1]
      await until('the key of litewitness', () => vkey() !== undefined && said.includes('listening'))
      const url = `http://${listen}/add-checkpoint`
      await until('litewitness', () =>
        fetch(url).then(
          () => true,
          () => false
        )
      )
      return new Litewitness(url, vkey()!, database, processes)
    } catch (error) {
      for (const one of processes) one.kill('SIGKILL')
      throw error
    }
  }

  /** Has it witness a log, as its `witnessctl` would. */
  knows(origin: string, verifierKey: string): void {
    const database = new DatabaseSync(this.#database, { timeout: COMMAND_MS })
    try {
      const empty = EMPTY_TREE.toString('base64')
      database.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, empty)
      database.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, verifierKey)
    } finally {
      database.close()
    }
  }

  /** Asks for a cosignature of a checkpoint that the hashes lead to from the size `old`. */
  async addCheckpoint(old: number, hashes: readonly Uint8Array[], note: string): Promise<Answered> {
    const lines = hashes.map(hash => `${Buffer.from(hash).toString('base64')}\n`)
    const body = `old ${old}\n${lines.join('')}\n${note}`
    const answer = await fetch(this.#url, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(COMMAND_MS)
    })
    return { status: answer.status, body: await answer.text() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) {
      if (one.exitCode !== null || one.signalCode !== null) continue
      const ended = once(one, 'exit')
      one.kill('SIGKILL')
      await ended
    }
  }
}

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, error, stderr, stdout } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    timeout: COMMAND_MS,
    encoding: 'utf8'
  })
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`)
  return stdout
}

async function until(what: string, isThere: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + START_MS
  while (!(await isThere())) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${START_MS} ms`)
    await sleep(LOOK_MS)
  }
}
