import { parseArgs } from 'node:util'

export interface BenchArguments {
  readonly rows: readonly string[]
  readonly json: boolean
  readonly smoke: boolean
  readonly record: boolean
  readonly rounds: number
}

export class UsageError extends Error {}

const ROUNDS = 5
const MAX_ROUNDS = 99

export function benchArguments(argv: readonly string[], known: readonly string[]): BenchArguments {
  const values = parsed(argv)
  const rows = values.row ?? [...known]
  for (const row of rows) {
    if (!known.includes(row)) throw new UsageError(`--row ${row}: no such row; there are ${known.join(', ')}`)
  }
  const smoke = values.smoke ?? false
  const record = values.record ?? false
  if (smoke && record)
    throw new UsageError('--record: a smoke run reaches no figures worth keeping; leave out --smoke')
  const rounds = values.rounds === undefined ? (smoke ? 1 : ROUNDS) : roundsFrom(values.rounds)
  if (record && rounds < ROUNDS) throw new UsageError(`--record: needs at least ${ROUNDS} rounds`)
  return { rows, json: values.json ?? false, smoke, record, rounds }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        row: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        smoke: { type: 'boolean' },
        record: { type: 'boolean' },
        rounds: { type: 'string' }
      }
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function roundsFrom(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new UsageError(`--rounds ${text}: give a whole number from 1 to ${MAX_ROUNDS}`)
  }
  return rounds
}
