import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { printable } from '../terminal.ts'

export const receiptVerify: CommandBody = {
  details:
    'Needs no node and no network. The file holds what came to the reply topic, as mailbox recv gives it. Exit 1 says what ' +
    'is wrong with it. Without --hub the hub that stands behind it is printed, and it is for you to know it. A text cannot ' +
    'tell that a key was revoked since.',
  arguments: [{ name: 'FILE', summary: 'the receipt', completes: 'file' }],
  options: [
    { name: 'hub', value: 'HUB_ID', summary: 'the hub that has to stand behind it', completes: 'nothing' },
    {
      name: 'delegation',
      value: 'FILE',
      summary: "the hub's word for the key, for a receipt that does not hold it",
      completes: 'file'
    }
  ],
  examples: [
    { line: 'omnigate receipt verify receipt.json --hub h1...', says: 'whether that hub has the message' }
  ],
  exits: ['failed', 'noInput'],
  async run(invocation) {
    const { checkReceiptFile } = await import('../../node/index.ts')
    const path = invocation.neededArgument('FILE')
    try {
      const { kind, hub, statement } = await checkReceiptFile(path, {
        hub: invocation.option('hub'),
        delegation: invocation.option('delegation')
      })
      invocation.show({ ok: true, kind, hub, statement }, () =>
        Object.entries(statement)
          .map(([name, value]) => `${name.padEnd(12)}${printable(String(value))}`)
          .join('\n')
      )
      return EXIT.ok
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new CommandError(EXIT.failed, `${path}: no receipt that holds: ${error.message}`)
    }
  }
}
