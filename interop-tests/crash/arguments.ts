export class UsageError extends Error {}

export interface CrashArguments {
  readonly kills: number
  readonly cuts: number
  readonly damages: number
  /** Kills, and as many power cuts, of a store of blobs alone. */
  readonly blobs: number
  readonly seed: number
}

const FULL: CrashArguments = { kills: 200, cuts: 100, damages: 100, blobs: 100, seed: 0 }

/** `--kills N`, `--cuts N`, `--damages N`, `--blobs N`, `--seed N`; what is not given is as in a full run, the seed drawn. @throws UsageError */
export function crashArguments(args: readonly string[], newSeed: () => number): CrashArguments {
  const given: Record<string, number> = { ...FULL, seed: newSeed() }
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!.replace(/^--/, '')
    const value = args[i + 1] ?? ''
    if (!Object.hasOwn(FULL, name))
      throw new UsageError(`${args[i]}: --kills, --cuts, --damages, --blobs or --seed`)
    if (!/^\d{1,10}$/.test(value)) throw new UsageError(`--${name} ${value}: give a whole number`)
    given[name] = Number(value)
  }
  return given as unknown as CrashArguments
}
