import { fileState } from '../../file-state.ts'
import { SetupError } from '../../setup-error.ts'
import { StaticTokens } from './static-tokens.ts'
import { readTokenFile } from './token-file.ts'
import { envTokens, tokensFrom } from './token-sources.ts'

export interface LiveTokensOptions {
  /** The file of tokens, which may come later; undefined where there can be none. */
  readonly path: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** `readTokenFile` if missing. */
  readonly read?: typeof readTokenFile
}

/** What a look at the file led to. */
export type TokensNews = 'same' | 'loaded' | { readonly problem: string }

/**
 * The static tokens of a running node: those of its environment, and those of a file that is followed, so that one that is
 * added or removed is so at the next look. A file that is no list of tokens changes nothing, and is told once; one that cannot
 * be read is tried again at each look.
 */
export class LiveTokens {
  readonly #options: LiveTokensOptions
  #current = new StaticTokens([])
  #state: string | undefined
  #isLooking = false

  private constructor(options: LiveTokensOptions) {
    this.#options = options
  }

  /** @throws SetupError that names the file or variable, and holds nothing of a token. */
  static async open(options: LiveTokensOptions): Promise<LiveTokens> {
    const live = new LiveTokens(options)
    await live.#load()
    return live
  }

  get current(): StaticTokens {
    return this.#current
  }

  /** Looks at the file, for a timer; `same` while another look is under way. */
  async look(): Promise<TokensNews> {
    const { path } = this.#options
    if (path === undefined || this.#isLooking) return 'same'
    this.#isLooking = true
    try {
      if ((await fileState(path)) === this.#state) return 'same'
      await this.#load()
      return 'loaded'
    } catch (error) {
      if (error instanceof SetupError) return { problem: error.message }
      throw error
    } finally {
      this.#isLooking = false
    }
  }

  async #load(): Promise<void> {
    const { path, env, read = readTokenFile } = this.#options
    // First, so that a change while it is read is seen at the next look.
    const state = path && (await fileState(path))
    try {
      const ofFile = path === undefined ? [] : await read(path)
      this.#current = new StaticTokens([...(await tokensFrom(envTokens(env))), ...ofFile])
      this.#state = state
    } catch (error) {
      // What is wrong with its content is so until it is changed; all else may be over at the next look.
      if (error instanceof SetupError && error.reason === 'badInput') this.#state = state
      throw error
    }
  }
}
