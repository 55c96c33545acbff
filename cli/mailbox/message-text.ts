import { printable, printableJson } from '../terminal.ts'

const MAX_SHOWN = 1000
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A message wherever it is shown: its members, and its body. */
export interface ShownMessage {
  readonly msg_id: string
  readonly priority: number
  /** Of a delivery. */
  readonly attempt?: number
  /** Of a message that waits, or a dead letter. */
  readonly attempts?: number
  /** Of a dead letter. */
  readonly reason?: string
  readonly body?: Uint8Array
  readonly attrs?: Readonly<Record<string, string>> | undefined
  readonly e2e?: boolean | undefined
}

/** One line for scripts: the members as they came, and the body as `text`, or as `base64` where it is none or sealed. */
export function messageJson({ body = new Uint8Array(0), ...members }: ShownMessage): string {
  const text = members.e2e === true ? undefined : textOf(body)
  const shown = text === undefined ? { base64: Buffer.from(body).toString('base64') } : { text }
  return printableJson({ ...members, ...shown })
}

/** Two lines for people: what is said of the message, and the beginning of its body. */
export function messageText(message: ShownMessage): string {
  const { msg_id: id, attempt, attempts, priority, attrs = {}, reason } = message
  const words = [
    id,
    attempt === undefined ? `attempts ${attempts ?? 0}` : `attempt ${attempt}`,
    `priority ${priority}`,
    ...(reason === undefined ? [] : [`dead by ${reason}`]),
    ...Object.entries(attrs).map(([name, value]) => `${name}=${value}`)
  ]
  return `${printable(words.join('  '), MAX_SHOWN)}\n  ${bodyText(message)}`
}

function bodyText({ body = new Uint8Array(0), e2e }: ShownMessage): string {
  if (e2e === true) return `(sealed, ${body.length} bytes)`
  const text = textOf(body)
  return text === undefined ? `(no text, ${body.length} bytes)` : printable(text, MAX_SHOWN)
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}
