import { readFile } from 'node:fs/promises'
import type { Proposal } from './protocols.ts'
import type { Bytes, DecodedFrame, VectorFrame } from '../../specs/index.ts'

/** A frame as `expect` describes it: specs/vectors/README.md. */
export interface FrameExpectation {
  readonly corr_id?: string | readonly string[]
  readonly flags?: readonly string[]
  readonly app?: number
  readonly code?: number
  readonly tenant?: string
  readonly payload?: Bytes
  readonly json?: Readonly<Record<string, unknown>>
  readonly json_most?: Readonly<Record<string, number>>
  readonly reason?: string
}

export interface AnswerExpectation {
  readonly corr_id: string
  readonly code: number
  readonly body?: Bytes
  readonly inflate?: boolean
  readonly tenant?: string
  readonly max_payload?: number
  readonly events?: readonly unknown[]
  readonly all_flags?: readonly string[]
  readonly reason?: string
}

type Sendable = string | VectorFrame | readonly (string | VectorFrame)[]

/**
 * The steps of specs/vectors/README.md, and some of the runner's own: `send_bytes` writes a bytes expression;
 * `expect_such` judges an answer by code, and `send_after` writes what follows from the answer before it; `expect_stall` stops reading and repeats the frame until the node takes no more, then reads on; `connect` goes on
 * with a session of another connection, `use` with that of the n-th, the first being 0; `check` is about what came before;
 * `propose` asks for other protocols on the connection, and `identify_without` what identify names there.
 */
export type Step =
  | { readonly send: Sendable; readonly pieces?: number }
  | { readonly send_bytes: Bytes }
  | { readonly send_each: { readonly from: number; readonly to: number; readonly frame: VectorFrame } }
  | { readonly expect: 'alive' | 'close'; readonly within_ms?: number }
  | { readonly expect: 'reset'; readonly within_ms?: number; readonly after_any_frames?: boolean }
  | { readonly expect: FrameExpectation; readonly within_ms?: number }
  | { readonly expect_answer: AnswerExpectation; readonly within_ms?: number }
  | { readonly expect_body: { readonly corr_id: string; readonly body: Bytes }; readonly within_ms?: number }
  | { readonly expect_none: { readonly corr_id: string } }
  | { readonly expect_unfinished: { readonly corr_id: string } }
  | { readonly forget: { readonly corr_id: string } }
  | { readonly expect_stall: { readonly frame: VectorFrame; readonly most_bytes: number } }
  | { readonly send_after: (taken: readonly DecodedFrame[]) => VectorFrame }
  | { readonly expect_such: SuchAnswer; readonly within_ms?: number }
  | { readonly fin: true }
  | { readonly reset: true }
  | { readonly open: true }
  | { readonly wait_ms: number }
  | { readonly connect: true }
  | { readonly use: number }
  | { readonly propose: Proposal }
  | { readonly identify_without: readonly string[] }
  | { readonly check: () => boolean; readonly words: string }

/** An answer that `fault` finds nothing wrong with. */
export interface SuchAnswer {
  readonly corr_id: string
  readonly words: string
  /** What is wrong with its frames, of which there is at least one. */
  readonly fault: (frames: readonly DecodedFrame[]) => string | undefined
  /** True where the answer is to be an error, `either` where it may be one: `fault` sees that, too. */
  readonly isError?: boolean | 'either'
  /** True where a later `send_after` is about what was taken before this. */
  readonly keeps?: boolean
}

export type Need =
  | 'known'
  | 'stranger'
  | 'zstd'
  | 'guarded'
  | 'capability'
  | 'mailbox'
  | 'storage'
  | 'federation'
  | 'hub'
  | 'share'
  | 'share_out'
  | 'share_both'
  | 'share_gone'
  | 'exchange'
  | 'silent'
  | 'witness'
  | 'no_witness'
  | 'invite'
  | 'no_invite'
  | 'alone'

/** One case: what to do on a fresh connection, in order. */
export interface Conversation {
  readonly id: string
  /** The section of specs/oap-1.md that it tests. */
  readonly rule: string
  readonly about: string
  readonly slow_ms?: number
  readonly needs?: readonly Need[]
  /** Its frames go as they are, without the runner's capability. */
  readonly bare?: boolean
  /** The runner is a hub of its own in it, and plays it beside no other of these. */
  readonly isOfFederation?: boolean
  readonly steps: readonly Step[]
}

export interface GivenFrame {
  readonly name: string
  readonly about: string
  readonly hex: string
}

export interface MoreFrames {
  readonly valid: readonly {
    readonly name: string
    readonly about: string
    readonly bytes: Bytes
  }[]
  readonly invalid: readonly {
    readonly name: string
    readonly about: string
    readonly bytes: Bytes
    readonly reason: string
    readonly status: number
    readonly session: 'closes' | 'lives'
    readonly answer: { readonly app: number; readonly corr_id: string }
  }[]
  readonly sequences: readonly {
    readonly name: string
    readonly about: string
    readonly bytes: Bytes
    readonly outcome: readonly string[]
    readonly rest: 'clean' | 'partial' | 'broken'
  }[]
}

export interface PayloadVector {
  readonly name: string
  readonly about: string
  readonly bytes: Bytes
  readonly accept: boolean
  readonly reason?: string
  readonly status?: number
  readonly value?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly body?: Bytes
  readonly inflated?: Bytes
}

export interface Vectors {
  readonly conversations: readonly Conversation[]
  readonly given: { readonly valid: readonly GivenFrame[]; readonly edge: readonly GivenFrame[] }
  readonly frames: MoreFrames
  readonly payloads: {
    readonly json: readonly PayloadVector[]
    readonly start: readonly PayloadVector[]
    readonly zstd: readonly PayloadVector[]
  }
}

/** The vectors that this package carries. */
export async function readVectors(): Promise<Vectors> {
  const [conversations, given, frames, payloads] = await Promise.all([
    readJson('oap1-conversations.json'),
    readJson('oap1-frames.json'),
    readJson('oap1-frames-more.json'),
    readJson('oap1-payloads.json')
  ])
  // The files are ours, and specs/ tests their form.
  return { ...(conversations as object), given, frames, payloads } as Vectors
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../../specs/vectors/${file}`, import.meta.url), 'utf8'))
}
