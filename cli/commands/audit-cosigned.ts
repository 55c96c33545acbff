import { existsSync } from 'node:fs'
import type { CosignedVerdict } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { smallFile } from '../small-file.ts'
import { facts, printable } from '../terminal.ts'

const KEY_OPTION = { name: 'key', value: 'VKEY_OR_FILE' } as const
const WITNESS_OPTION = { name: 'witness', value: 'VKEY_OR_FILE' } as const

export const auditCosigned: CommandBody = {
  details:
    'Needs no node and no network. Believes the key of the log, and of each witness its verifier key or what key export ' +
    'of its hub printed. A witness that cosigned has found that the log goes on from all that it had seen of it: a hub that ' +
    'rewrites its log gets no such line. Exit 1 names the first witness that is missing.',
  arguments: [{ name: 'FILE', summary: 'what audit checkpoint printed', completes: 'file' }],
  options: [
    {
      ...KEY_OPTION,
      summary: 'the log.vkey of the log, or the file that it is in',
      isRequired: true,
      completes: 'file'
    },
    {
      ...WITNESS_OPTION,
      summary: 'a witness that must have cosigned: its verifier key, or the file of its hub',
      isList: true,
      isRequired: true,
      completes: 'file'
    }
  ],
  examples: [
    {
      line: 'omnigate audit cosigned head.txt --key ./hub/audit/log.vkey --witness other.json',
      says: 'other.json is what key export printed at the other hub'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const { verifyCosigned } = await import('../../node/index.ts')
    const file = invocation.neededArgument('FILE')
    const note = await smallFile(file)
    const key = await textGiven(invocation.neededOption(KEY_OPTION))
    const witnesses = await Promise.all((invocation.list(WITNESS_OPTION.name) ?? []).map(textGiven))
    const verdict = judged(file, () => verifyCosigned(note, key, witnesses))
    const missing = verdict.witnesses.find(({ at }) => at === undefined)
    if (missing !== undefined && !invocation.isJson)
      throw new CommandError(EXIT.failed, `${file}: ${printable(missing.name)} has not cosigned it`)
    const ok = missing === undefined
    const shown = {
      ok,
      ...verdict,
      witnesses: verdict.witnesses.map(({ name, at }) => ({ name, at: at ?? null }))
    }
    invocation.show(shown, () =>
      facts(
        [
          ['log', verdict.origin],
          ['entries', String(verdict.size)],
          ['root', verdict.root],
          ...verdict.witnesses.map(
            ({ name, at }) => ['cosigned', `${timeText(at ?? 0)}  ${printable(name)}`] as [string, string]
          )
        ],
        invocation.terminal
      )
    )
    return ok ? EXIT.ok : EXIT.failed
  }
}

const textGiven = async (given: string): Promise<string> => (existsSync(given) ? smallFile(given) : given)

/** Times beyond what a Date holds stand as they are. */
const timeText = (seconds: number): string =>
  seconds <= 8_640_000_000_000 ? new Date(seconds * 1000).toISOString() : String(seconds)

function judged(file: string, verify: () => CosignedVerdict): CosignedVerdict {
  try {
    return verify()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new CommandError(EXIT.failed, `${file}: ${printable(error.message, 1000)}`, { cause: error })
  }
}
