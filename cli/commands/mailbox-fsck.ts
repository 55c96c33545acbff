import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import { facts, printable } from '../terminal.ts'

export const mailboxFsck: CommandBody = {
  details:
    'Changes nothing. Exit 1 when something is wrong; each line then names what: missing_batches were durable and are gone, ' +
    'damaged_row and set_aside cannot be read, damaged_block neither by LevelDB itself, wrong_count means that messages of ' +
    'that topic are gone or came back. What is whole is delivered all the same; mailbox export takes it elsewhere.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate mailbox fsck --data ./hub', says: 'while no node runs on ./hub' }],
  exits: ['failed', 'badInput', 'noInput', 'newerFormat', 'io', 'inUse', 'permission', 'interrupted'],
  async run(invocation) {
    const { fsckMailbox, openStoppedMailbox } = await import('../../node/index.ts')
    const { terminal } = invocation
    await using mailbox = await openStoppedMailbox(invocation.neededOption(DATA_OPTION))
    const report = await interruptible('mailbox fsck', signal =>
      fsckMailbox(mailbox.level, {
        lastDurable: mailbox.lastDurable,
        signal,
        progress: rows => terminal.progress(`${rows} rows read`)
      })
    ).finally(() => terminal.progress(''))
    const { messages, rows, lastBatch, problems, found } = report
    invocation.show(report, () =>
      [
        facts(
          [
            ['messages', `${messages.ready} ready, ${messages.delayed} delayed, ${messages.dead} dead`],
            ['rows', rows],
            ['batches', lastBatch],
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
