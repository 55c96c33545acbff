import { readFileSync } from 'node:fs'

interface Lines {
  readonly line: string
}
interface Vectors {
  readonly keys: Readonly<Record<string, { readonly seed: string; readonly hub_id: string }>>
  readonly delegations: readonly Lines[]
  readonly key_revocations: readonly Lines[]
  readonly judgements: { readonly delegations: readonly string[]; readonly statements: readonly Lines[] }
  readonly successions: { readonly learned: readonly Lines[] }
  readonly malformed: readonly Lines[]
  readonly treaties: {
    readonly documents: readonly { readonly document: unknown; readonly grant?: unknown }[]
  }
  readonly agreements: readonly { readonly here: unknown; readonly there: unknown }[]
  readonly invites: { readonly texts: readonly { readonly text: string }[] }
}

export const LINKS = JSON.parse(
  readFileSync(new URL('../../../specs/vectors/federation-links.json', import.meta.url), 'utf8')
) as Vectors

const MOST_CHARS = 2048

/** The lines, treaties, grants and invites of the vectors, good and bad; an invite also as the bytes before its check. */
export function linksSeeds(): Uint8Array[] {
  const { delegations, key_revocations, judgements, successions, malformed } = LINKS
  const lines = [
    ...delegations,
    ...key_revocations,
    ...judgements.statements,
    ...successions.learned,
    ...malformed
  ]
  const documents = [
    ...LINKS.treaties.documents.flatMap(({ document, grant }) => [document, grant ?? document]),
    ...LINKS.agreements.flatMap(({ here, there }) => [here, there])
  ]
  const invites = LINKS.invites.texts.map(({ text }) => text)
  const texts = [...lines.map(({ line }) => line), ...documents.map(one => JSON.stringify(one)), ...invites]
  return [
    ...texts.map(text => new TextEncoder().encode(text)),
    ...invites.map(text => Uint8Array.from(Buffer.from(text, 'base64url').subarray(0, -4)))
  ].filter(({ length }) => length <= MOST_CHARS)
}
