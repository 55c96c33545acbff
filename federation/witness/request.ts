import { NoteError } from '../log/index.ts'
import { WITNESS } from './numbers.ts'

/** What a log asks of a witness, as the body of C2SP tlog-witness `add-checkpoint` has it. */
export interface WitnessRequest {
  /** The size from which the hashes lead. */
  readonly old: number
  /** RFC 6962 consistency proof of 32 bytes each, the lowest first. */
  readonly hashes: readonly Uint8Array[]
  /** The checkpoint as a signed note. */
  readonly note: string
}

const SIZE = /^old (0|[1-9]\d{0,15})$/
const HASH = /^[A-Za-z0-9+/]{43}=$/

export function formatWitnessRequest({ old, hashes, note }: WitnessRequest): string {
  const lines = hashes.map(hash => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${old}\n${lines.join('')}\n${note}`
}

/** Reads what `formatWitnessRequest` writes. Proves nothing. @throws NoteError */
export function parseWitnessRequest(body: Uint8Array): WitnessRequest {
  if (body.length > WITNESS.requestBytes)
    throw new NoteError(`a request of more than ${WITNESS.requestBytes} bytes`)
  const text = Buffer.from(body).toString()
  const end = text.indexOf('\n\n')
  if (end < 0) throw new NoteError('request: no empty line above the checkpoint')
  const [first = '', ...rest] = text.slice(0, end).split('\n')
  const [, digits] = SIZE.exec(first) ?? []
  const old = Number(digits)
  if (!Number.isSafeInteger(old)) throw new NoteError('request: no size below 2^53 in the first line')
  if (rest.length > WITNESS.hashes) throw new NoteError(`request: more than ${WITNESS.hashes} hashes`)
  const note = text.slice(end + 2)
  if (Buffer.byteLength(note) > WITNESS.noteBytes)
    throw new NoteError(`request: a checkpoint of more than ${WITNESS.noteBytes} bytes`)
  return { old, hashes: rest.map(hashIn), note }
}

function hashIn(line: string): Uint8Array {
  const bytes = Buffer.from(line, 'base64')
  if (!HASH.test(line) || bytes.toString('base64') !== line)
    throw new NoteError('request: a hash is not 32 bytes in base64')
  return Uint8Array.from(bytes)
}
