import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { mailboxService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { answerParent } from '../harness/answering.ts'
import { openLoop, type Pace } from '../harness/open-loop.ts'
import { quantile } from '../harness/statistics.ts'

// One caller of `stats` at a steady pace, over OAP or over HTTP with kept connections, under the same capability.

const TOPIC = 'bench'
const CONNECTIONS = 32

export interface Paced {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: number
  readonly firstFailure?: string
}

const [address = ''] = process.argv.slice(2)
const [multiaddr = '', url = '', cap = ''] = address.split(' ')
const connection = await connect(multiaddr, { encryption: ['noise'], cap })
const { stats } = connection.client(mailboxService)
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS })
const body = JSON.stringify({ topic: TOPIC })
const { hostname, port } = new URL(url)
const headers = {
  authorization: `Bearer ${cap}`,
  'content-type': 'application/json',
  'content-length': body.length
}

function overHttp(): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({ agent, hostname, port, method: 'POST', path: '/mailbox/v1/stats', headers })
    call.once('error', reject)
    call.once('response', answer => {
      answer.resume().once('error', reject)
      answer.once('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))
      )
    })
    call.end(body)
  })
}

const WAYS = { http: overHttp, oap: (): Promise<unknown> => stats({ topic: TOPIC }) } as const

async function paced({ way, ...pace }: Pace & { readonly way: keyof typeof WAYS }): Promise<Paced> {
  const times: number[] = []
  const open = new Set<Promise<void>>()
  let [failed, firstFailure] = [0, undefined as string | undefined]
  await openLoop(pace, dueMs => {
    const ended: Promise<void> = WAYS[way]()
      .then(
        () => void times.push(performance.now() - dueMs),
        (error: unknown) => {
          failed++
          firstFailure ??= (error as Error).message
        }
      )
      .finally(() => open.delete(ended))
    open.add(ended)
  })
  await Promise.all(open)
  const of = (share: number): number => (times.length === 0 ? NaN : quantile(times, share))
  return { p50Ms: of(0.5), p99Ms: of(0.99), failed, ...(firstFailure !== undefined && { firstFailure }) }
}

answerParent({ ready: () => true, paced }, async () => {
  agent.destroy()
  await connection.close()
})
