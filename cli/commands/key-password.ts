import { CommandError } from '../command-error.ts'
import { DATA_OPTION } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { HUB_KEY_OPTIONS } from '../hub-key.ts'
import type { Invocation } from '../invocation.ts'
import { passwordOptions, passwordSource } from '../password.ts'
import { facts } from '../terminal.ts'

const AT_TERMINAL = 'or run it at a terminal'

export const keyPassword: CommandBody = {
  details:
    'The file stays one of minisign, which takes the same password; minisign -C does the same. A node runs on without the ' +
    'password: it needs the hub key for nothing that is signed already. Asks for the passwords at a terminal, unless a file ' +
    'or the environment has them. Whoever copied the file before still has it as it was.',
  options: [
    { ...DATA_OPTION, summary: 'data folder whose keys/hub.key is meant', isRequired: false },
    ...HUB_KEY_OPTIONS,
    ...passwordOptions('new-', 'the new password'),
    { name: 'remove', summary: 'leave the key without a password' }
  ],
  examples: [
    { line: 'omnigate key password --data ./hub', says: 'asks for the new password twice' },
    {
      line: 'omnigate key password --hub-key ./hub.key --password-file ./old --remove',
      says: 'takes it off a key that is kept elsewhere'
    }
  ],
  exits: ['badInput', 'noInput', 'io', 'permission', 'interrupted'],
  async run(invocation) {
    const { changePassword, checkDataFolder, hubKeyPath, dataFolderPaths } =
      await import('../../node/index.ts')
    const data = invocation.option(DATA_OPTION.name)
    const file = invocation.option('hub-key')
    if ((data === undefined) === (file === undefined))
      throw new CommandError(EXIT.usage, 'which key: give --data DIR, or --hub-key FILE')
    if (data !== undefined) await checkDataFolder(data)
    const path = file ?? hubKeyPath(dataFolderPaths(data!).keys)
    const isRemoved = invocation.flag('remove')
    const next = isRemoved ? undefined : newPassword(invocation)
    const ask = passwordSource(invocation, '')
    const id = await changePassword(path, {
      password: ask && (of => ask(`Password of ${of}: `)),
      next
    }).catch((error: unknown) => {
      throw error instanceof RangeError ? new CommandError(EXIT.badInput, error.message) : error
    })
    const shown = { minisign_key_id: id, key: path, has_password: !isRemoved }
    invocation.show(shown, () =>
      facts(
        [
          ['minisign key id', id],
          ['key', path],
          ['password', isRemoved ? 'none' : 'set; without it the key is lost, so keep it apart from the key']
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}

/** Typed twice at a terminal. */
function newPassword(invocation: Invocation): (file: string) => Promise<string> {
  const ask = passwordSource(invocation, 'new-')
  if (ask === undefined)
    throw new CommandError(
      EXIT.usage,
      `the new password: give --new-password-file FILE or --new-password-env NAME, ${AT_TERMINAL}; --remove takes it off`
    )
  const isTyped = ask === invocation.terminal.askSecret
  return async file => {
    const password = await ask(`New password of ${file}: `)
    if (isTyped && (await ask('Once more: ')) !== password)
      throw new CommandError(EXIT.badInput, 'the two passwords differ; nothing was changed')
    return password
  }
}
