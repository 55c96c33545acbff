import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { bothSides, differenceText } from '../difference-text.ts'
import { EXIT } from '../exit-codes.ts'
import { OPERATOR_EXITS, withFederation } from '../operator.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const treatyShow: CommandBody = {
  details:
    'As TOML that treaty edit and treaty check take. Where both sides differ, as far as the other hub has told, and what ' +
    'holds then, stands on standard error. A treaty is what this hub grants; what the other grants is its own.',
  arguments: [HUB_ARGUMENT],
  options: [DATA_OPTION],
  examples: [
    { line: 'omnigate treaty show --data ./hub h1... > clinic.toml', says: 'the treaty, to change it' },
    { line: 'omnigate treaty show --data ./hub h1... --json', says: 'both sides, if both are known' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const { treatyText } = await import('../../node/index.ts')
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const { body, ...answer } = await withFederation(invocation, federation =>
      federation.treaty_show({ hub })
    )
    const shown = bothSides(body)
    invocation.show({ ...answer, ...shown }, () => treatyText(shown.treaty))
    if (invocation.isJson) return EXIT.ok
    if (answer.state === 'expired') invocation.terminal.note('it has expired')
    for (const difference of shown.differences ?? []) invocation.terminal.note(differenceText(difference))
    return EXIT.ok
  }
}
