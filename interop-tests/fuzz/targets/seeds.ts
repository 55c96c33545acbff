import { readFileSync } from 'node:fs'
import { zstdCompressSync, constants } from 'node:zlib'
import { vectorBytes, vectorSend } from '../../../specs/index.ts'
import type { Bytes, VectorFrame } from '../../../specs/index.ts'

interface Entry {
  readonly bytes?: Bytes
  readonly hex?: string
}
type Send = string | VectorFrame | readonly (string | VectorFrame)[]
interface Conversation {
  readonly steps: readonly { readonly send?: Send }[]
}

const vectors = (file: string): Record<string, readonly unknown[]> =>
  JSON.parse(readFileSync(new URL(`../../../specs/vectors/${file}`, import.meta.url), 'utf8')) as Record<
    string,
    readonly unknown[]
  >

/** Vectors that are longer say nothing new about code and make every mutation slow. */
const MOST_SEED_BYTES = 4096

const small = (all: readonly Uint8Array[]): Uint8Array[] =>
  all.filter(({ length }) => length <= MOST_SEED_BYTES)

const bytesOf = ({ bytes, hex }: Entry): Uint8Array => Uint8Array.from(vectorBytes(bytes ?? hex ?? ''))

const listed = (file: string, lists: readonly string[]): Uint8Array[] => {
  const all = vectors(file)
  return small(lists.flatMap(list => (all[list] as readonly Entry[]).map(bytesOf)))
}

/** The frames and byte sequences of the vectors. */
export const frameSeeds = (): Uint8Array[] => [
  ...listed('oap1-frames.json', ['valid', 'invalid', 'edge']),
  ...listed('oap1-frames-more.json', ['valid', 'invalid', 'sequences'])
]

/** What the conversations of the vectors send, each as one input. */
export const conversationSeeds = (): Uint8Array[] => {
  const { conversations } = vectors('oap1-conversations.json')
  return small(
    (conversations as readonly Conversation[]).map(({ steps }) =>
      Uint8Array.from(
        Buffer.concat(steps.flatMap(({ send }) => (send === undefined ? [] : [vectorSend(send)])))
      )
    )
  )
}

export const payloadSeeds = (): Uint8Array[] => listed('oap1-payloads.json', ['json', 'start', 'batch'])

/** The compressed bodies of the vectors, and frames of every size of content, with and without checksum. */
export const zstdSeeds = (): Uint8Array[] => [
  ...listed('oap1-payloads.json', ['zstd']),
  ...[0, 1, 40, 300, 5000].flatMap(size =>
    [0, 1].map(checksum =>
      Uint8Array.from(
        zstdCompressSync(
          Uint8Array.from({ length: size }, (_, i) => (i * i) >> 3),
          { params: { [constants.ZSTD_c_checksumFlag]: checksum } }
        )
      )
    )
  )
]

/** The tokens of the vectors, proved or not, the texts of tokens, and the caveats as they stand in one. */
export const tokenSeeds = (): Uint8Array[] => {
  const { calls, texts, caveats } = vectors('capabilities.json') as Record<
    string,
    readonly { readonly token?: string; readonly text?: string }[]
  >
  return [
    ...listed('capabilities.json', ['valid', 'invalid']),
    ...calls!.map(({ token }) => Uint8Array.from(Buffer.from(token!, 'hex'))),
    ...[...texts!, ...caveats!].map(({ text }) => Uint8Array.from(Buffer.from(text!, 'latin1')))
  ]
}
