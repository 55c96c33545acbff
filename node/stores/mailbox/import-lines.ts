import { createHash } from 'node:crypto'
import { SetupError } from '../../setup-error.ts'
import { EXPORT_FORMAT } from './export.ts'
import type { ExportedKey, ExportedMessage } from './export.ts'
import { MAX_BODY_BYTES } from './record.ts'

/** A body and 128 KiB beside it, in base64, and the rest of a line. */
const MAX_LINE_BYTES = Math.ceil(((MAX_BODY_BYTES + 131_072) * 4) / 3) + 8192
const LF = 0x0a

/** Gives the next bytes of a file, or none at its end. */
export type ReadBytes = () => Promise<Uint8Array>

/**
 * Goes through an export line by line, checks that it is whole, and hands on what it holds.
 * @throws SetupError `badInput` naming the line; `newerFormat`. What was handed on by then is only known to be whole when
 * this resolves: go through it once before anything is kept.
 */
export async function readExport(
  name: string,
  read: ReadBytes,
  take: (line: ExportedMessage | ExportedKey) => void | Promise<void>
): Promise<{ readonly messages: number; readonly idemKeys: number }> {
  const sum = createHash('sha256')
  const count = { messages: 0, idemKeys: 0 }
  let isEnded = false
  let number = 0
  const wrong = (what: string): SetupError => new SetupError('badInput', `${name}: line ${number}: ${what}`)
  const line = async (bytes: Buffer): Promise<void> => {
    number++
    if (isEnded) throw wrong('there is something behind the last line')
    const value = parsed(bytes)
    if (value === undefined) throw wrong('no JSON object')
    if (number === 1) checkHead(name, value)
    else if (value['end'] === true) {
      isEnded = true
      const isWhole =
        value['messages'] === count.messages &&
        value['idem_keys'] === count.idemKeys &&
        value['sha256'] === sum.copy().digest('hex')
      if (!isWhole) throw wrong('the lines before it are not those that were exported')
    } else {
      const found = messageOf(value) ?? keyOf(value)
      if (found === undefined) throw wrong('neither a message nor an idempotency key')
      if ('state' in found) count.messages++
      else count.idemKeys++
      await take(found)
    }
    sum.update(bytes).update('\n')
  }
  await eachLine(read, line, () => wrong(`longer than ${MAX_LINE_BYTES} bytes`))
  if (!isEnded) throw new SetupError('badInput', `${name}: cut short behind line ${number}; export it again`)
  return count
}

async function eachLine(
  read: ReadBytes,
  take: (line: Buffer) => Promise<void>,
  tooLong: () => SetupError
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  for (let bytes = await read(); bytes.length > 0; bytes = await read()) {
    let from = 0
    const piece = Buffer.concat([rest, bytes])
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, from)) {
      await take(piece.subarray(from, at))
      from = at + 1
    }
    rest = piece.subarray(from)
    if (rest.length > MAX_LINE_BYTES) throw tooLong()
  }
}

type Members = Readonly<Record<string, unknown>>

function parsed(bytes: Buffer): Members | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Members)
      : undefined
  } catch {
    return undefined
  }
}

function checkHead(name: string, { omnigate_mailbox: format }: Members): void {
  if (format === EXPORT_FORMAT) return
  if (!Number.isSafeInteger(format)) throw new SetupError('badInput', `${name}: not an export of a mailbox`)
  throw new SetupError(
    'newerFormat',
    `${name}: format ${String(format)}, this version reads up to ${EXPORT_FORMAT}: use the newer omnigate that wrote it`
  )
}

const TEXTS_OF_MESSAGE = ['state', 'tenant', 'topic', 'id', 'meta', 'history', 'body']
const TEXTS_OF_KEY = ['idem_key', 'tenant', 'topic', 'id', 'hash']
const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

const hasTexts = (value: Members, names: readonly string[]): boolean =>
  names.every(name => typeof value[name] === 'string') && ID.test(String(value['id']))

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function messageOf(value: Members): ExportedMessage | undefined {
  const isMessage =
    hasTexts(value, TEXTS_OF_MESSAGE) &&
    ['ready', 'delayed', 'dead'].includes(value['state'] as string) &&
    isCount(value['priority']) &&
    isCount(value['attempts']) &&
    ['not_before', 'expires_at', 'died_at'].every(
      name => value[name] === undefined || isCount(value[name])
    ) &&
    (value['state'] !== 'delayed' || isCount(value['not_before'])) &&
    (value['state'] !== 'dead' || (isCount(value['died_at']) && typeof value['reason'] === 'string'))
  return isMessage ? (value as unknown as ExportedMessage) : undefined
}

function keyOf(value: Members): ExportedKey | undefined {
  return hasTexts(value, TEXTS_OF_KEY) && isCount(value['until'])
    ? (value as unknown as ExportedKey)
    : undefined
}
