import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { smallFile } from '../small-file.ts'
import { facts, printable } from '../terminal.ts'

export const equivocationVerify: CommandBody = {
  details:
    'Needs no node, no network and no key: the hub id in the proof is the key. Exit 0 says that the hub signed two things ' +
    'of which one is false; exit 1 why the text proves nothing: form, order, hub, delegation, signature, place, agreement ' +
    'or hashes.',
  arguments: [{ name: 'FILE', summary: 'what equivocation show printed', completes: 'file' }],
  examples: [{ line: 'omnigate equivocation verify proof.json', says: 'which hub lied, and in what' }],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const { judgeProofLine, equivocationId } = await import('../../node/index.ts')
    const file = invocation.neededArgument('FILE')
    const text = await smallFile(file)
    const line = text.endsWith('\n') ? text.slice(0, -1) : text
    const verdict = judgeProofLine(line)
    if (!verdict.ok) {
      if (!invocation.isJson)
        throw new CommandError(EXIT.failed, `${file}: ${verdict.why}: ${printable(verdict.detail, 1000)}`)
      invocation.show({ ok: false, refusal: verdict.why, detail: verdict.detail }, () => '')
      return EXIT.failed
    }
    const { hub, kind } = verdict.proof
    const id = equivocationId(line)
    invocation.show({ ok: true, hub, kind, id }, () =>
      facts(
        [
          ['hub', hub],
          ['kind', kind],
          ['proof', id],
          ['verdict', invocation.terminal.style('red', 'the hub said two things of which one is false')]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
