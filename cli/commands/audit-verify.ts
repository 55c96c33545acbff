import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditVerdict } from '../../node/index.ts'
import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { smallFile } from '../small-file.ts'
import { facts, printable } from '../terminal.ts'

const MAX_KEY_BYTES = 65_536
const KEY_OPTION = { name: 'key', value: 'VKEY_OR_FILE' } as const

export const auditVerify: CommandBody = {
  details:
    'Needs no node and no network, and believes only the key: the log.vkey of the log, or the hub id or minisign public ' +
    'key of its hub, which has signed for that. Exit 1 names the first entry that is wrong, and what is wrong with it: ' +
    'edit, delete, insert, reorder, truncation, fork, or which file beside the entries. What a log has lost behind its ' +
    'newest checkpoint is seen with --checkpoint, by one that you kept.',
  arguments: [
    {
      name: 'DIR_OR_FILE',
      summary: 'a folder of a log, a data folder, a backup, or an exported file with its .proof beside it',
      completes: 'file'
    }
  ],
  options: [
    { ...KEY_OPTION, summary: 'public key, or the file that it is in', isRequired: true, completes: 'file' },
    {
      name: 'checkpoint',
      value: 'FILE',
      summary: 'a checkpoint that you kept: the log must go on from it',
      isList: true,
      completes: 'file'
    }
  ],
  examples: [
    { line: 'omnigate audit verify ./hub --key ./hub/audit/log.vkey', says: 'the log of a data folder' },
    {
      line: 'omnigate audit verify audit.ndjson --key h1...',
      says: 'exported entries, by the id of their hub'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'io', 'permission'],
  async run(invocation) {
    const { verifyAudit } = await import('../../node/index.ts')
    const path = invocation.neededArgument('DIR_OR_FILE')
    const key = await keyGiven(invocation.neededOption(KEY_OPTION))
    const checkpoints = await Promise.all(
      (invocation.list('checkpoint') ?? []).map(file => smallFile(file, MAX_KEY_BYTES))
    )
    const verdict = await verifyAudit(logIn(path), key, { checkpoints })
    return show(invocation, path, verdict)
  }
}

/** The folder of the log in a data folder or backup, else the path itself. */
const logIn = (path: string): string =>
  existsSync(join(path, 'audit', 'log.json')) ? join(path, 'audit') : path

const keyGiven = async (given: string): Promise<string> =>
  existsSync(given) ? smallFile(given, MAX_KEY_BYTES) : given

function show(invocation: Invocation, path: string, verdict: AuditVerdict): number {
  const { ok, origin, first, entries, covered, problem } = verdict
  if (problem !== undefined && !invocation.isJson)
    throw new CommandError(EXIT.failed, `${path}: ${problem.fault}: ${printable(problem.message, 1000)}`)
  const last = first + entries
  const behind = Math.max(0, last - covered)
  const range = entries === 0 ? 'none' : `${first} to ${last - 1}`
  invocation.show(verdict, () =>
    facts(
      [
        ['log', origin],
        ['entries', range],
        [
          'checkpoint',
          `over ${covered}${behind === 0 ? '' : `; ${behind} behind it hang on the chain alone`}`
        ],
        ['verdict', invocation.terminal.style('green', 'whole')]
      ],
      invocation.terminal
    )
  )
  return ok ? EXIT.ok : EXIT.failed
}
