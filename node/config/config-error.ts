import { SetupError } from '../setup-error.ts'

export interface ConfigProblem {
  /** `section.key`, the name of an environment variable, or the file. */
  readonly path: string
  readonly message: string
  /** The value is an address that cannot be used. */
  readonly isAddress?: boolean
}

/**
 * Everything that is wrong with a configuration, in one line. Ends with the exit code for a bad address when that is
 * all that is wrong, else with the one for a bad configuration.
 */
export class ConfigError extends SetupError {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ path, message }) => `${path}: ${message}`)
    super(problems.every(({ isAddress }) => isAddress === true) ? 'badAddress' : 'config', lines.join('; '))
    this.problems = Object.freeze(lines)
  }
}
