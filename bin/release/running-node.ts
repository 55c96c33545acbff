import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { cleanEnv } from './command.ts'

const START_MS = 30_000
const STOP_MS = 20_000

export interface RunningNode {
  readonly address: string
  /** Sends what Ctrl-C sends, to the whole group as a terminal does; rejects unless the node ends as it should. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** True when `command` is npx, which ends by the signal whatever its program does: then the log decides. */
  readonly isNpx?: boolean
}

/** Starts `command... start` with the given further words and resolves once it prints where it listens. */
export async function startNode(
  command: readonly string[],
  words: readonly string[],
  { cwd, env = cleanEnv(), isNpx = false }: StartOptions
): Promise<RunningNode> {
  const [program = '', ...first] = command
  const child = spawn(program, [...first, 'start', '--listen', '/ip4/127.0.0.1/tcp/0', '--json', ...words], {
    cwd,
    env: { ...env, OMNIGATE_HTTP__ENABLED: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', text => (errors = (errors + text).slice(-4000)))
  const ended = new Promise<number>(resolve => child.on('close', code => resolve(code ?? 1)))
  const signal = (name: NodeJS.Signals): void =>
    void (child.pid !== undefined && process.kill(-child.pid, name))
  const fail = (problem: string): Error =>
    new Error(`${command.join(' ')} start ${words.join(' ')}: ${problem}\n${errors}`)
  const started = Promise.race([
    firstAddress(child.stdout),
    ended.then(code => Promise.reject(fail(`ended with ${code}`)))
  ])
  const address = await inTime(START_MS, started, () => {
    signal('SIGKILL')
    return fail(`said nothing in ${START_MS} ms`)
  })
  const stop = async (): Promise<void> => {
    signal('SIGINT')
    const code = await inTime(STOP_MS, ended, () => {
      signal('SIGKILL')
      return fail(`did not stop in ${STOP_MS} ms`)
    })
    const hasStopped = isNpx ? errors.includes('"event":"NodeStopped"') : code === 0
    if (!hasStopped) throw fail(`ended with ${code} after SIGINT`)
  }
  return { address, stop }
}

async function firstAddress(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const { addresses } = JSON.parse(line) as { addresses: string[] }
    if (addresses[0] !== undefined) return addresses[0]
  }
  return await new Promise(() => {})
}

/** What `wanted` gives; the problem, if it takes longer. */
async function inTime<T>(ms: number, wanted: Promise<T>, problem: () => Error): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(problem()), ms)
  try {
    return await Promise.race([wanted, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
