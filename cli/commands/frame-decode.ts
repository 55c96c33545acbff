import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { asCalled } from '../self.ts'

const BINARY_INPUT = 'of bytes as they are: xxd -p FILE | omnigate frame decode -'
const FILE_NAME = 'of a file with hex: omnigate frame decode - < FILE'

export const frameDecode: CommandBody = {
  details:
    'Takes hex with or without white space, one frame after another, at most 8 MiB of text. ' +
    'What is wrong is one line on standard error with the reason that a node would give, and exit 65.',
  arguments: [{ name: 'HEX', summary: 'the bytes in hex, or - for standard input', completes: 'nothing' }],
  examples: [
    {
      line: 'omnigate frame decode 21000000011900000000000000000000000000000000000000000000000100000000000000',
      says: 'a HELLO, each field with its offset'
    },
    {
      line: 'xxd -p -c0 captured.bin | omnigate frame decode - --json',
      says: 'all frames of a capture, for a script'
    }
  ],
  exits: ['badInput'],
  async run(invocation) {
    const { readHex, readInput } = await import('../frame/hex-input.ts')
    const { explainFrames } = await import('../frame/explain.ts')
    const { frameText } = await import('../frame/text.ts')
    const given = invocation.neededArgument('HEX')
    const bytes =
      given === '-'
        ? readHex(await readInput(process.stdin), asCalled(BINARY_INPUT))
        : readHex(given, asCalled(FILE_NAME))
    const { frames, problems } = explainFrames(bytes)
    const { terminal } = invocation
    if (frames.length > 0 || invocation.isJson) {
      invocation.show({ frames, problems }, () =>
        frames.map(frame => frameText(frame, terminal)).join('\n\n')
      )
    }
    if (!invocation.isJson) for (const problem of problems) terminal.note(`omnigate: ${problem}`)
    return problems.length === 0 ? EXIT.ok : EXIT.badInput
  }
}
