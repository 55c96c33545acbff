import { fileState } from '../../file-state.ts'
import { SetupError } from '../../setup-error.ts'
import { StaticTokens } from './static-tokens.ts'
import { readTokenFile } from './token-file.ts'
import { envTokens, tokensFrom } from './token-sources.ts'

export interface LiveTokensOptions {
  /** The file of tokens, which may come later; undefined where there can be none. */
  readonly path: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What a look at the file led to. */
export type TokensNews = 'same' | 'loaded' | { readonly problem: string }

/**
 * The static tokens of a running node: those of its environment, and those of a file that is followed, so that one that is
 * added or removed is so at the next look. A file that cannot be read changes nothing, and is told once.
 */
export class LiveTokens {
  readonly #options: LiveTokensOptions
  #current = new StaticTokens([])
  #state: string | undefined

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

  /** Looks at the file, for a timer. */
  async look(): Promise<TokensNews> {
    const { path } = this.#options
    if (path === undefined || (await fileState(path)) === this.#state) return 'same'
    try {
      await this.#load()
      return 'loaded'
    } catch (error) {
      if (error instanceof SetupError) return { problem: error.message }
      throw error
    }
  }

  async #load(): Promise<void> {
    const { path, env } = this.#options
    // First, so that a change while it is read is seen at the next look.
    this.#state = path && (await fileState(path))
    const ofFile = path === undefined ? [] : await readTokenFile(path)
    this.#current = new StaticTokens([...(await tokensFrom(envTokens(env))), ...ofFile])
  }
}
