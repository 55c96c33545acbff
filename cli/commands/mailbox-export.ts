import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { newFile } from '../new-file.ts'
import { facts } from '../terminal.ts'

export const mailboxExport: CommandBody = {
  details:
    'A line of JSON for each message and each idempotency key, the last with their number and sum. What cannot be read is ' +
    'left out and counted, and the exit code is then 1: mailbox fsck names it.',
  arguments: [{ name: 'FILE', summary: 'new file for the messages', completes: 'file' }],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate mailbox export mail.ndjson --data ./hub', says: 'while no node runs on ./hub' }
  ],
  exits: ['failed', 'badInput', 'noInput', 'newerFormat', 'cannotCreate', 'io', 'inUse', 'permission'],
  async run(invocation) {
    const { exportMailbox, openStoppedMailbox } = await import('../../node/index.ts')
    const { terminal } = invocation
    const path = invocation.neededArgument('FILE')
    await using mailbox = await openStoppedMailbox(invocation.neededOption(DATA_OPTION))
    await using file = await newFile(path)
    const { messages, idemKeys, damaged } = await exportMailbox(mailbox.level, bytes => file.write(bytes), {
      progress: count => terminal.progress(`${count} messages`)
    }).finally(() => terminal.progress(''))
    await file.commit()
    invocation.show({ file: path, messages, idem_keys: idemKeys, damaged }, () =>
      facts(
        [
          ['messages', messages],
          ['idempotency keys', idemKeys],
          ['damaged', damaged === 0 ? undefined : `${damaged}, left out`],
          ['file', path]
        ],
        terminal
      )
    )
    return damaged === 0 ? EXIT.ok : EXIT.failed
  }
}
