import type { Figures } from './verdict.ts'

export interface RunOptions {
  readonly rounds: number
  /** Short and with what is installed: shows that the row runs, not what it reaches. */
  readonly smoke: boolean
  /** Progress for a person, on stderr. */
  readonly say: (line: string) => void
}

export interface Row {
  readonly id: string
  readonly summary: string
  run(options: RunOptions): Promise<Figures>
}

export const loadMs = ({ smoke }: RunOptions): number => (smoke ? 100 : 1500)
