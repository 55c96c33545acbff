import type { Json, JsonObject } from '../../protocols/index.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

interface WithBody {
  readonly body?: Uint8Array | undefined
  readonly e2e?: boolean | undefined
}

/** A message as JSON: its `body` is text where it is UTF-8 and nobody sealed it, else `body_b64`. */
export function messageJson({ body = new Uint8Array(0), ...said }: WithBody): JsonObject {
  const text = said.e2e === true ? undefined : textOf(body)
  const members = said as Readonly<Record<string, Json>>
  return text === undefined
    ? { ...members, body_b64: Buffer.from(body).toString('base64') }
    : { ...members, body: text }
}

/** An answer of the mailbox as JSON, whatever messages it holds. */
export function answerJson(answer: object): JsonObject {
  if (!('items' in answer)) return answer as JsonObject
  const items = answer.items as readonly WithBody[]
  return { ...(answer as JsonObject), items: items.map(messageJson) }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
