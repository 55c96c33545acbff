import type { ScrubFinding } from '../../node/index.ts'
import { DATA_OPTION } from '../command.ts'
import type { Command } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { bytesText } from '../quantity.ts'
import { facts, printable } from '../terminal.ts'

export const blobScrub: Command = {
  name: 'blob scrub',
  summary: 'hash every stored block of a stopped node',
  details:
    'Finds what has rotted on the disk and names it, one line each, with exit code 1. What is rotten is never served; put the ' +
    'same blob again, and it is sound. Other than blob fsck it looks at no index.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate blob scrub --data ./hub', says: 'while no node runs on ./hub' }],
  exits: ['failed', 'badInput', 'noInput', 'newerFormat', 'io', 'inUse', 'permission', 'interrupted'],
  async run(invocation) {
    const { scrubStoppedBlobs } = await import('../../node/index.ts')
    const { terminal } = invocation
    const data = invocation.neededOption(DATA_OPTION)
    const { findings, ...report } = await interruptible('blob scrub', signal =>
      scrubStoppedBlobs(data, {
        signal,
        onProgress: ({ done, bytes }) =>
          terminal.progress(`${Math.floor(done * 100)} %, ${bytesText(bytes)} hashed`)
      })
    ).finally(() => terminal.progress(''))
    const { blocks, bytes, rotten } = report
    const found = findings.map(findingJson)
    invocation.show({ ...report, findings: found }, () =>
      [
        facts(
          [
            ['blocks', `${blocks}, ${bytesText(bytes)}`],
            ['rotten', rotten === 0 ? terminal.style('green', 'none') : terminal.style('red', String(rotten))]
          ],
          terminal
        ),
        ...found.map(({ sha256, detail }) => printable(`${sha256}: ${detail}`))
      ].join('\n')
    )
    return rotten === 0 ? EXIT.ok : EXIT.failed
  }
}

const findingJson = ({ id, detail }: ScrubFinding) => ({
  sha256: Buffer.from(id.digest).toString('hex'),
  codec: id.codec,
  detail
})
