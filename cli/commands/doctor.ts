import { existsSync } from 'node:fs'
import type { CommandBody } from '../command.ts'
import { CONFIG_OPTION, DATA_OPTION } from '../command.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import type { Style } from '../terminal.ts'
import { printable } from '../terminal.ts'

const STYLES: Readonly<Record<string, Style>> = { ok: 'green', warn: 'yellow', wrong: 'red', unknown: 'dim' }

export const doctor: CommandBody = {
  details:
    'Looks at a running node or a stopped one: the folder, its configuration, clock, permissions, keys and how long they are ' +
    'good, signatures, disk space, open files, ports, who may reach it, other hubs. It changes nothing. What is wrong says how ' +
    'to mend it, and the exit code is then 1; what only warns leaves it 0.',
  options: [DATA_OPTION, CONFIG_OPTION],
  examples: [
    { line: 'omnigate doctor --data ./hub', says: 'what is right, and what is not with the way out' },
    { line: 'omnigate doctor --data ./hub --json', says: 'the same, for scripts' }
  ],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const data = invocation.neededOption(DATA_OPTION)
    const { dataFolderPaths, examine } = await import('../../node/index.ts')
    const given = invocation.option(CONFIG_OPTION.name)
    const own = dataFolderPaths(data).config
    const path = given ?? (existsSync(own) ? own : undefined)
    const file = path === undefined ? undefined : await readConfigFile(path)
    const { env } = invocation.terminal
    const findings = await examine({ data, ...(file && { file }), env, nowMs: Date.now() })
    const isWell = findings.every(({ is }) => is !== 'wrong')
    invocation.show({ well: isWell, findings }, () =>
      findings
        .map(({ check, is, message }) => {
          const standing = invocation.terminal.style(STYLES[is] ?? 'dim', is.padEnd(7))
          return `${standing}  ${check.padEnd(11)}  ${printable(message, 1000)}`
        })
        .join('\n')
    )
    return isWell ? EXIT.ok : EXIT.failed
  }
}
