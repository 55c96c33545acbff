import type { Mutation } from './mutate.ts'

/** Something to fuzz. */
export interface Target {
  readonly name: string
  readonly about: string
  readonly maxBytes: number
  readonly mutations: readonly Mutation[]
  readonly dictionary: readonly Uint8Array[]
  /** Inputs to begin with, beside the corpus. */
  readonly seeds: () => Uint8Array[]
  /** Throws when something that must hold does not. Reads no clock and draws no numbers of its own. */
  readonly run: (input: Uint8Array) => void | Promise<void>
}

/** An input for which a target threw. */
export interface Finding {
  readonly target: string
  readonly input: Uint8Array
  readonly error: unknown
}

/** What tells one fault from another: the message without numbers, and where it was thrown. */
export function faultKey(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const first = error.message.split('\n')[0]!.replaceAll(/\d+/g, 'N')
  const frame = /\n\s+at (?:async )?([\w.#$<>[\] ]+)/.exec(error.stack ?? '')?.[1] ?? ''
  return `${error.name}: ${first} @ ${frame.trim()}`
}
