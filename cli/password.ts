import { CommandError } from './command-error.ts'
import type { Option } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'

const MAX_BYTES = 1024

/** Where a password may come from, never from an argument, which every process of the machine can see. */
export const passwordOptions = (prefix: '' | 'new-', whose: string): readonly Option[] => [
  {
    name: `${prefix}password-file`,
    value: 'FILE',
    summary: `file whose one line is ${whose}`,
    completes: 'file'
  },
  {
    name: `${prefix}password-env`,
    value: 'NAME',
    summary: `name of the environment variable that holds ${whose}`,
    completes: 'nothing'
  }
]

/** A way to get a password, or undefined when nobody gave one and nobody sits at a terminal. */
export type PasswordSource = ((question: string) => Promise<string>) | undefined

/** @throws CommandError `usage` */
export function passwordSource(invocation: Invocation, prefix: '' | 'new-'): PasswordSource {
  const [fileOption, envOption] = [`${prefix}password-file`, `${prefix}password-env`]
  const [file, name] = [invocation.option(fileOption), invocation.option(envOption)]
  if (file !== undefined && name !== undefined)
    throw new CommandError(EXIT.usage, `--${fileOption} and --${envOption}: give one of the two`)
  if (file !== undefined) return () => passwordIn(file)
  if (name !== undefined) return async () => passwordOfEnvironment(invocation, envOption, name)
  return invocation.terminal.askSecret
}

/** @throws CommandError `badInput`; SetupError `permission` when others may read it, `noInput` */
async function passwordIn(path: string): Promise<string> {
  const { readSecretFile } = await import('../node/index.ts')
  const text = (await readSecretFile(path, { maxBytes: MAX_BYTES + 2 })).replace(/\r?\n$/, '')
  if (text !== '' && !/[\r\n]/.test(text)) return text
  throw new CommandError(EXIT.badInput, `${path}: must hold the password in one line, and nothing else`)
}

function passwordOfEnvironment({ terminal }: Invocation, option: string, name: string): string {
  const value = terminal.env[name]
  if (value !== undefined && value !== '') return value
  throw new CommandError(
    EXIT.usage,
    `--${option}: there is no such variable in the environment, or it is empty; name one that holds the password`
  )
}
