import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { bytesText } from '../quantity.ts'
import { facts, printable } from '../terminal.ts'

export const blobFsck: CommandBody = {
  details:
    'Changes nothing. Exit 1 when something is wrong; each line then names what: damaged_segment is a file that is gone or cut ' +
    'short, rotten_block has not the bytes of its hash, missing_block and broken_root are blobs of which something is gone, ' +
    'damaged_row and damaged_index cannot be read, wrong_count, wrong_class and stray_block are counts that do not fit. Blobs that are whole are ' +
    'served all the same, and what is rotten is never served; blob scrub mends what another hub still has.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate blob fsck --data ./hub', says: 'while no node runs on ./hub' }],
  exits: ['failed', 'badInput', 'noInput', 'newerFormat', 'io', 'inUse', 'permission', 'interrupted'],
  async run(invocation) {
    const { fsckStoppedBlobs } = await import('../../node/index.ts')
    const { terminal } = invocation
    const data = invocation.neededOption(DATA_OPTION)
    const report = await interruptible('blob fsck', signal =>
      fsckStoppedBlobs(data, { signal, progress: blocks => terminal.progress(`${blocks} blocks read`) })
    ).finally(() => terminal.progress(''))
    const { blocks, bytes, roots, uploads, problems, found } = report
    invocation.show(report, () =>
      [
        facts(
          [
            ['blobs', `${roots}, ${uploads} coming in`],
            ['blocks', `${blocks}, ${bytesText(bytes)}`],
            ['problems', found === 0 ? terminal.style('green', 'none') : terminal.style('red', String(found))]
          ],
          terminal
        ),
        ...problems.map(({ kind, subject, detail }) => printable(`${kind}: ${subject}: ${detail}`))
      ].join('\n')
    )
    return found === 0 ? EXIT.ok : EXIT.failed
  }
}
