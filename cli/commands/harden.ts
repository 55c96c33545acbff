import { existsSync } from 'node:fs'
import type { CommandBody } from '../command.ts'
import { CONFIG_OPTION, DATA_OPTION } from '../command.ts'
import { readConfigFile } from '../config-file.ts'
import { withDeadline } from '../deadline.ts'
import { EXIT } from '../exit-codes.ts'
import type { ExitName } from '../exit-codes.ts'
import { columns, printable } from '../terminal.ts'
import { TOKEN_EXITS } from '../tokens.ts'

const MAX_MS = 30_000
const EXITS: readonly ExitName[] = ['failed', ...TOKEN_EXITS, 'cannotCreate']

export const harden: CommandBody = {
  details:
    'The whole checklist in one step: there are a WRITE and an ADMIN token of 32 bytes or more, rate limits are on, proxies ' +
    'are networks; then writes need a token whatever else is configured, and no sandbox is open. Where a check fails nothing ' +
    'is changed, and the exit code is 1. The configuration keeps its comments. A running node is closed at once, and signs its manifests anew.',
  options: [DATA_OPTION, CONFIG_OPTION],
  examples: [
    { line: 'omnigate harden --data ./hub', says: 'turns it on, or says what is missing' },
    { line: 'omnigate harden --data ./hub --json', says: 'the same, for scripts' }
  ],
  exits: EXITS,
  async run(invocation) {
    const data = invocation.neededOption(DATA_OPTION)
    const { dataFolderPaths, hardenFolder } = await import('../../node/index.ts')
    const given = invocation.option(CONFIG_OPTION.name)
    const path = given ?? dataFolderPaths(data).config
    const isNew = given === undefined && !existsSync(path)
    const file = isNew ? { path, text: '' } : await readConfigFile(path)
    const { env } = invocation.terminal
    const hardening = hardenFolder(data, { file, isNew, env })
    const { isRefused, needsRestart, steps } = await withDeadline(hardening, MAX_MS, `the node of ${data}`)
    invocation.show({ refused: isRefused, needs_restart: needsRestart, config: path, steps }, () =>
      columns(steps.map(({ is, step, message }) => [is, step, printable(message)]))
    )
    if (!isRefused) return EXIT.ok
    invocation.terminal.note('omnigate: nothing was changed: mend what is refused, and run it again')
    return EXIT.failed
  }
}
