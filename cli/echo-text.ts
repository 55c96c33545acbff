import { createHash } from 'node:crypto'
import type { NodeConnection } from '../sdk/index.ts'
import type { Echoed } from './echo-file.ts'

const DEADLINE_MS = 10_000

/** Sends a text in one call. */
export async function echoText(node: NodeConnection, text: string): Promise<Echoed> {
  const echoed = await echoBytes(node, Buffer.from(text))
  return { ...echoed, answer: Buffer.from(echoed.came).toString() }
}

/** Sends what fits one frame in one call. */
export async function echoBytes(
  node: NodeConnection,
  body: Uint8Array
): Promise<Echoed & { readonly came: Uint8Array }> {
  const { echoService } = await import('../protocols/index.ts')
  const client = node.client(echoService)
  const sent = performance.now()
  const came = await client.echo({ body }, { deadlineMs: DEADLINE_MS })
  const ms = performance.now() - sent
  return {
    operation: 'echo',
    bytes: body.length,
    ms,
    isEqual: Buffer.compare(came, body) === 0,
    sha256: createHash('sha256').update(came).digest('hex'),
    came
  }
}
