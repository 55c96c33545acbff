import { createHash } from 'node:crypto'
import { CommandError } from './command-error.ts'
import { DATA_OPTION } from './command.ts'
import { withDeadline } from './deadline.ts'
import type { Echoed } from './echo-file.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import { printable } from './terminal.ts'

const DEADLINE_MS = 10_000

/**
 * Sends a text to the echo of another hub, over the link that the running node of `--data` has with it.
 * @throws CommandError `failed` where there is no link, or the other hub refuses
 */
export async function echoHub(invocation: Invocation, hub: string, text: string): Promise<Echoed> {
  const { connectAdmin } = await import('../node/admin/admin-client.ts')
  const { echoService, OapError } = await import('../protocols/index.ts')
  const data = invocation.neededOption(DATA_OPTION)
  await using admin = await connectAdmin(data)
  const { request, answer } = echoService.operations.echo
  const body = Buffer.from(text)
  const parts = request.encode('echo', { body }, { deadline_ms: DEADLINE_MS })
  const sent = performance.now()
  try {
    const relayed = admin.links.relay(
      { hub, app: echoService.app, body: Buffer.concat([parts.head, parts.body]) },
      { deadlineMs: DEADLINE_MS }
    )
    const came = answer.decode(await withDeadline(relayed, DEADLINE_MS, `hub ${hub}`))
    return {
      operation: 'echo',
      bytes: body.length,
      ms: performance.now() - sent,
      isEqual: Buffer.compare(came, body) === 0,
      sha256: createHash('sha256').update(came).digest('hex'),
      answer: Buffer.from(came).toString()
    }
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    if (error.code === 'bad_request')
      throw new CommandError(EXIT.usage, printable(error.message), { cause: error })
    if (error.code === 'no_link' || error.code === 'not_found')
      throw new CommandError(EXIT.failed, printable(error.message), { cause: error })
    throw new CommandError(EXIT.failed, `${printable(hub)}: ${answeredError(error)}`, { cause: error })
  }
}
