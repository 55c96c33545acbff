import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion: CommandBody = {
  arguments: [{ name: 'SHELL', summary: 'the shell', choices: SHELLS, completes: 'nothing' }],
  examples: [
    {
      line: 'source <(omnigate completion bash)',
      says: 'for this bash; put the line into ~/.bashrc to keep it'
    },
    { line: 'omnigate completion zsh > ~/.zsh/completions/_omnigate', says: 'for a folder in fpath of zsh' },
    { line: 'omnigate completion fish > ~/.config/fish/completions/omnigate.fish', says: 'for fish' }
  ],
  exits: [],
  async run(invocation) {
    const { completionScript } = await import('../completion/script.ts')
    const { COMMANDS } = await import('./index.ts')
    const shell = SHELLS.find(name => name === invocation.argument('SHELL'))
    if (shell === undefined) throw new CommandError(EXIT.usage, `SHELL is one of ${SHELLS.join(', ')}`)
    const script = completionScript(shell, await Promise.all(COMMANDS.map(command => command.load())))
    invocation.show({ shell, script }, () => script)
    return EXIT.ok
  }
}
