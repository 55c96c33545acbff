import { spawn } from 'node:child_process'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  /** Everything that was printed, in order. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/** Runs a program to its end; rejects with what it printed when it fails or takes too long. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, output } = await outcome(program, args, options)
  if (code === 0) return stdout
  throw new Error(
    `${[program, ...args].join(' ')} ended with ${code}:\n${output.trim().split('\n').slice(-15).join('\n')}`
  )
}

/** Runs a program to its end, whatever that is. */
export function outcome(program: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { cwd, env = cleanEnv(), timeoutMs = 180_000 } = options
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL'
  })
  return new Promise((resolve, reject) => {
    let [stdout, output] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => ([stdout, output] = [stdout + text, output + text]))
    child.stderr.setEncoding('utf8').on('data', text => (output += text))
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, stdout, output: signal ? `${output}\n${signal}` : output })
    )
  })
}

/** The environment without what npm and this checkout put into it, and with a Node of one's choice first. */
export function cleanEnv(binFolder?: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_|OMNIGATE_|RON_|INIT_CWD$)/.test(name)
  )
  const path = (process.env['PATH'] ?? '').split(':').filter(folder => !folder.includes('node_modules'))
  return {
    ...Object.fromEntries(kept),
    PATH: [...(binFolder === undefined ? [] : [binFolder]), ...path].join(':')
  }
}
