import type { EXIT as NodeExit } from '../node/index.ts'

/** The node's table of exit codes, written again so that commands which need no node do not load one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  badInput: 65,
  noInput: 66,
  badAddress: 67,
  unreachable: 69,
  bug: 70,
  portInUse: 71,
  newerFormat: 72,
  cannotCreate: 73,
  io: 74,
  inUse: 75,
  notOap: 76,
  permission: 77,
  config: 78,
  interrupted: 130
} as const satisfies typeof NodeExit

export type ExitName = keyof typeof EXIT

/** What each exit code says, for the help of the commands that can end with it. */
export const EXIT_MEANING: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  failed: 'the answer is no: a check failed, or a peer answered with an error',
  usage: 'the command line is wrong',
  badInput: 'a file or argument makes no sense',
  noInput: 'a file or folder that must be there is not',
  badAddress: 'a multiaddr that cannot be parsed, or that no transport serves',
  unreachable: 'the node did not answer, or another peer did',
  bug: 'a fault of this program; the only case with a stack trace',
  portInUse: 'a port to listen on is taken',
  newerFormat: 'the data folder was written by a newer version',
  cannotCreate: 'something is already there; nothing is overwritten',
  io: 'reading or writing failed',
  inUse: 'the data folder, or the download, belongs to a running process',
  notOap: 'something answered, but does not speak OAP/1',
  permission: 'no permission, or a secret that others may read',
  config: 'the configuration is wrong',
  interrupted: 'ended by a second Ctrl-C before calls were done'
}
