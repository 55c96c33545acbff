import { corrHex, decodeRecord, parseJson } from '../protocols/index.ts'
import type { JsonObject, Payload } from '../protocols/index.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The answer of a call, as the node sent it; its form is for the operation to say. */
export class Answer {
  readonly bytes: Uint8Array
  /** Names the call in the node's log, metrics and audit log. */
  readonly corrId: bigint

  constructor(bytes: Uint8Array, corrId: bigint) {
    this.bytes = bytes
    this.corrId = corrId
  }

  /** The corr_id as it is written: 16 hex digits. */
  get corr(): string {
    return corrHex(this.corrId)
  }

  /** Throws TypeError for what is not UTF-8. */
  text(): string {
    return utf8.decode(this.bytes)
  }

  /** Throws OapError `bad_payload` unless it is one JSON object. */
  json(): JsonObject {
    return parseJson(this.bytes)
  }

  /** Header and body. Throws OapError `bad_payload` unless it is a record. */
  record(): Payload {
    return decodeRecord(this.bytes)
  }
}

/** An answer that comes in pieces, as they came. Leaving the loop early cancels the call; not reading makes the node wait. */
export interface AnswerStream extends AsyncIterable<Uint8Array> {
  readonly corrId: bigint
  readonly corr: string
}

export function answerStream(pieces: AsyncIterable<Uint8Array>, corrId: bigint): AnswerStream {
  return { corrId, corr: corrHex(corrId), [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() }
}
