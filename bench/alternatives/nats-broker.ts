import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Broker {
  readonly address: string
  readonly pid: number
  stop(): Promise<void>
}

const START_MS = 10_000

/** A nats-server on a free loopback port, with the defaults of its makers and further arguments; it ends with this process. */
export async function startBroker(program: string, args: readonly string[] = []): Promise<Broker> {
  const broker = spawn(program, ['--addr', '127.0.0.1', '--port', '-1', ...args], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const ended = new Promise<void>(resolve => broker.once('exit', () => resolve()))
  process.once('exit', () => broker.kill('SIGKILL'))
  try {
    const port = await portFrom(createInterface({ input: broker.stderr }), AbortSignal.timeout(START_MS))
    broker.stderr.resume()
    return {
      address: `127.0.0.1:${port}`,
      pid: broker.pid!,
      stop: async () => {
        broker.kill('SIGTERM')
        await ended
      }
    }
  } catch (error) {
    broker.kill('SIGKILL')
    throw error
  }
}

function portFrom(lines: NodeJS.EventEmitter, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`nats-server: not ready in ${START_MS} ms`)))
    lines.on('close', () => reject(new Error('nats-server: ended before it was ready')))
    lines.on('line', (line: string) => {
      const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(port)
    })
  })
}
