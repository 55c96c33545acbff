import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const keyExport: CommandBody = {
  details:
    'Hub id, minisign public key, every delegation and revocation of a key, and the successions that led to this hub: one line of JSON, each part of ' +
    'it signed by the hub key. Nothing in it is secret. Who gets it must have the hub id from you by another way.',
  options: [DATA_OPTION],
  examples: [{ line: 'omnigate key export --data ./hub > hub.json', says: 'also beside a running node' }],
  exits: ['badInput', 'noInput', 'newerFormat', 'permission'],
  async run(invocation) {
    const { SetupError, formatHubFile, hubFileOf, parseHubFile } = await import('../../node/index.ts')
    const data = invocation.neededOption(DATA_OPTION)
    const text = formatHubFile(await hubFileOf(data, Date.now()))
    try {
      parseHubFile(text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new SetupError('badInput', `${data}: no peer takes the file of this hub (${error.message})`)
    }
    invocation.terminal.result(text.trimEnd())
    return EXIT.ok
  }
}
