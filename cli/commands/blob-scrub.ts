import { setTimeout as delay } from 'node:timers/promises'
import { progressText, scrubAt, scrubbedOf } from '../blob/scrubbing.ts'
import type { Scrubbed } from '../blob/scrubbing.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { bytesText } from '../quantity.ts'
import { facts, printable } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export const blobScrub: CommandBody = {
  details:
    'Asks the running node of the data folder, or works on the folder itself while no node runs. A running node hashes all it has ' +
    'within a week by itself; this does it now. Ctrl-C leaves it to the node. A block that does not have the bytes of its hash any ' +
    'more is never served; a running node gets it anew from linked hubs, if it belongs to a blob that is not private. Exit 1 when ' +
    'one is left. Other than blob fsck it looks at no index.',
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate blob scrub --data ./hub', says: 'whether the disk has kept what it was given' }
  ],
  exits: [
    'failed',
    'badInput',
    'noInput',
    'unreachable',
    'newerFormat',
    'io',
    'inUse',
    'permission',
    'interrupted'
  ],
  async run(invocation) {
    const { terminal } = invocation
    const data = invocation.neededOption(DATA_OPTION)
    const scrubbed = await interruptible('blob scrub', signal => scrub(data, terminal, signal)).finally(() =>
      terminal.progress('')
    )
    const { blocks, bytes, rotten, repaired, found } = scrubbed
    invocation.show(scrubbed, () =>
      [
        facts(
          [
            ['blocks', `${blocks}, ${bytesText(bytes)}`],
            [
              'rotten',
              rotten === 0 ? terminal.style('green', 'none') : terminal.style('red', String(rotten))
            ],
            ['repaired', rotten === 0 ? undefined : repaired]
          ],
          terminal
        ),
        ...found.map(one => printable(`${one.sha256}: ${one.detail}${one.repaired ? '; repaired' : ''}`))
      ].join('\n')
    )
    return rotten === repaired ? EXIT.ok : EXIT.failed
  }
}

async function scrub(data: string, terminal: Terminal, signal: AbortSignal): Promise<Scrubbed> {
  const { SetupError, connectAdmin, scrubStoppedBlobs } = await import('../../node/index.ts')
  try {
    await using admin = await connectAdmin(data)
    return await scrubAt(admin, terminal, signal, (ms, stop) =>
      delay(ms, undefined, { signal: stop }).catch(() => undefined)
    )
  } catch (error) {
    if (!(error instanceof SetupError) || error.reason !== 'unreachable') throw error
  }
  const report = await scrubStoppedBlobs(data, {
    signal,
    onProgress: ({ done, bytes }) => terminal.progress(progressText(done, bytes))
  })
  return scrubbedOf(report)
}
