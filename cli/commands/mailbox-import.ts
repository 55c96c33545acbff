import { open } from 'node:fs/promises'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { dataConfig } from '../data-config.ts'
import { EXIT } from '../exit-codes.ts'
import { facts } from '../terminal.ts'

const CHUNK_BYTES = 256 * 1024

export const mailboxImport: CommandBody = {
  details:
    'Checks all of the file first. Messages keep their ids, places, attempts and times; those that are there already stay ' +
    'as they are, so an import that was cut short can be run again.',
  arguments: [{ name: 'FILE', summary: 'what omnigate mailbox export wrote', completes: 'file' }],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate mailbox import mail.ndjson --data ./hub', says: 'while no node runs on ./hub' }
  ],
  exits: ['badInput', 'noInput', 'newerFormat', 'io', 'inUse', 'permission', 'config'],
  async run(invocation) {
    const { importMailbox, openStoppedMailbox, readExport } = await import('../../node/index.ts')
    const { terminal } = invocation
    const path = invocation.neededArgument('FILE')
    const data = invocation.neededOption(DATA_OPTION)
    const { mailbox: configured } = await dataConfig(data, { env: terminal.env })
    await using mailbox = await openStoppedMailbox(data)
    type Take = Parameters<typeof readExport>[2]
    const pass = (take: Take) => reading(path, read => readExport(path, read, take))
    await pass(() => undefined)
    const { messages, idemKeys, present } = await importMailbox(mailbox.level, pass, {
      nowMs: Date.now(),
      idemWindowMs: configured.idemWindowMs,
      lastDurable: mailbox.lastDurable,
      progress: count => terminal.progress(`${count} messages`)
    }).finally(() => terminal.progress(''))
    invocation.show({ messages, idem_keys: idemKeys, present }, () =>
      facts(
        [
          ['messages', messages],
          ['idempotency keys', idemKeys],
          ['there already', present === 0 ? undefined : present]
        ],
        terminal
      )
    )
    return EXIT.ok
  }
}

/** What `use` yields with the bytes of a file, from its beginning. */
async function reading<T>(path: string, use: (read: () => Promise<Uint8Array>) => Promise<T>): Promise<T> {
  const { systemError } = await import('../../node/setup-error.ts')
  const file = await open(path).catch((error: unknown) => {
    throw systemError(path, error)
  })
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    return await use(async () => {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES).catch((error: unknown) => {
        throw systemError(path, error)
      })
      return chunk.subarray(0, bytesRead)
    })
  } finally {
    await file.close()
  }
}
