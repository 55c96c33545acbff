import { parseArgs } from 'node:util'

export class UsageError extends Error {}

export interface FuzzArguments {
  /** All of them together; 0 replays the corpus only. */
  readonly minutes: number
  /** Undefined for all. */
  readonly target: string | undefined
  readonly seed: number
  /** Runs this one input and nothing else. */
  readonly input: string | undefined
  /** Writes what the run found back to the corpus, without what adds nothing. */
  readonly save: boolean
  /** Pins `input` to the corpus. */
  readonly pin: boolean
}

const DEFAULT_MINUTES = 2

/** What the command line asks for. Throws UsageError naming the option. */
export function fuzzArguments(
  argv: readonly string[],
  targets: readonly string[],
  seed: number
): FuzzArguments {
  const { values } = parsed(argv)
  const minutes = values.minutes === undefined ? DEFAULT_MINUTES : Number(values.minutes)
  if (values.minutes === '' || !(minutes >= 0 && minutes <= 100_000))
    throw new UsageError(`--minutes ${values.minutes}: a number from 0 to 100000`)
  const chosen = values.seed === undefined ? seed : Number(values.seed)
  if (values.seed === '' || !Number.isInteger(chosen) || chosen < 0 || chosen > 0xffff_ffff)
    throw new UsageError(`--seed ${values.seed}: an integer from 0 to 4294967295`)
  if (values.target !== undefined && !targets.includes(values.target))
    throw new UsageError(`--target ${values.target}: one of ${targets.join(', ')}`)
  if (values.input !== undefined && values.target === undefined)
    throw new UsageError('--input: needs --target, to say what reads it')
  if (values.pin === true && values.input === undefined) throw new UsageError('--pin: needs --input')
  return {
    minutes,
    target: values.target,
    seed: chosen,
    input: values.input,
    save: values.save === true,
    pin: values.pin === true
  }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        minutes: { type: 'string' },
        target: { type: 'string' },
        seed: { type: 'string' },
        input: { type: 'string' },
        save: { type: 'boolean' },
        pin: { type: 'boolean' }
      }
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
