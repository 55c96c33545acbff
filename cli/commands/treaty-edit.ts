import type { PeerRow } from '../../protocols/index.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { editedText } from '../editor.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { OPERATOR_DETAILS, OPERATOR_EXITS, withFederation } from '../operator.ts'
import { peerText } from '../peer-text.ts'
import { treatyBody, treatyDocument, treatyFile } from '../treaty-file.ts'
import { HUB_ARGUMENT } from './peer-show.ts'

export const treatyEdit: CommandBody = {
  details:
    'Opens the treaty in the editor of VISUAL or EDITOR, or takes the one in --file, and puts it in the place of what ' +
    'there is. It holds at once: calls under way that it does not allow any more end. What is wrong with it is told ' +
    `with its place, and nothing has changed then. ${OPERATOR_DETAILS}`,
  arguments: [HUB_ARGUMENT],
  options: [
    DATA_OPTION,
    {
      name: 'file',
      value: 'FILE',
      summary: 'the new treaty as TOML or JSON, or - for standard input',
      completes: 'file'
    }
  ],
  examples: [
    { line: 'EDITOR=vi omnigate treaty edit --data ./hub h1...', says: 'by hand' },
    { line: 'omnigate treaty edit --data ./hub h1... --file clinic.toml', says: 'as the file says' }
  ],
  exits: OPERATOR_EXITS,
  async run(invocation) {
    const hub = invocation.neededArgument(HUB_ARGUMENT.name)
    const file = invocation.option('file')
    const peer =
      file === undefined
        ? await byHand(invocation, hub)
        : await put(invocation, hub, { text: await treatyFile(file), from: file })
    invocation.show(peer, () => peerText(peer, invocation.terminal, Math.floor(Date.now() / 1000)))
    return EXIT.ok
  }
}

interface Given {
  readonly text: string
  readonly from: string
}

async function put(invocation: Invocation, hub: string, { text, from }: Given): Promise<PeerRow> {
  const body = treatyBody(await treatyDocument(text, from))
  return withFederation(invocation, federation => federation.treaty_edit({ hub, body }))
}

/** What somebody has written by hand is not lost when it is refused. */
async function byHand(invocation: Invocation, hub: string): Promise<PeerRow> {
  const { treatyText } = await import('../../node/index.ts')
  const { terminal } = invocation
  const { body } = await withFederation(invocation, federation => federation.treaty_show({ hub }))
  const { treaty } = JSON.parse(Buffer.from(body ?? []).toString()) as {
    readonly treaty: Parameters<typeof treatyText>[0]
  }
  const name = 'treaty.toml'
  const { text, path, discard } = await editedText(`${treatyText(treaty)}\n`, { name, env: terminal.env })
  try {
    const peer = await put(invocation, hub, { text, from: name })
    await discard()
    return peer
  } catch (error) {
    terminal.note(`omnigate: what you wrote is in ${path}; mend it there, and give it with --file`)
    throw error
  }
}
