import type { CommandBody } from '../command.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import { columns } from '../terminal.ts'

export const configCheck: CommandBody = {
  details:
    'The environment counts as it would for start: OMNIGATE_HTTP__LISTEN is http.listen. ' +
    'All problems are reported together, one a line, each with its key; those of treaties, and then of the acceptance policy, once the rest is good.',
  arguments: [{ name: 'FILE', summary: 'a TOML file, such as omnigate.toml', completes: 'file' }],
  examples: [
    { line: 'omnigate config check ./hub/omnigate.toml', says: 'what a node with this file would run with' },
    {
      line: 'omnigate config check --json configs/node.toml',
      says: 'the same as a list of path, value, origin'
    }
  ],
  exits: ['badInput', 'noInput', 'badAddress', 'permission', 'config'],
  async run(invocation) {
    const { configuredHubs, explainConfig, loadConfig, policyAt } = await import('../../node/index.ts')
    const file = await readConfigFile(invocation.neededArgument('FILE'))
    const loaded = loadConfig({ file, env: invocation.terminal.env })
    await configuredHubs(loaded.config)
    await policyAt(loaded.config.federation.policy || undefined)
    const rows = explainConfig(loaded)
    invocation.show({ file: file.path, values: rows }, () =>
      columns(rows.map(({ path, value, origin }) => [path, JSON.stringify(value), origin]))
    )
    return EXIT.ok
  }
}
