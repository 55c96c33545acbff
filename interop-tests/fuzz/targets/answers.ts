import assert from 'node:assert/strict'
import { FLAG, FrameDecoder, corrHex, isErrorCode, parseJson } from 'omnigate/protocols'
import type { CorrId, Frame, FrameFault, FrameSink } from 'omnigate/protocols'

/** Reads what a responder sends and throws for whatever the specification does not let it send. */
export class Answers implements FrameSink {
  readonly ends = new Map<CorrId, number>()
  eventFrames = 0
  eventBytes = 0
  otherBytes = 0
  readonly #decoder = new FrameDecoder(this)

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
  }

  get isPartial(): boolean {
    return this.#decoder.isPartial
  }

  fault({ message }: FrameFault): boolean {
    assert.fail(`an answer is no frame: ${message}`)
  }

  frame(frame: Frame): boolean {
    const { flags, code, corr } = frame
    const kind = flags & 0x07
    assert.ok(kind === FLAG.RESP || kind === FLAG.EVENT, `an answer has flags 0x${flags.toString(16)}`)
    const size = frame.end - frame.start
    if (kind === FLAG.EVENT) {
      this.eventFrames++
      this.eventBytes += size
    } else this.otherBytes += size
    if (code !== 0) checkErrorAnswer(frame)
    if ((flags & FLAG.END) !== 0) this.ends.set(corr, (this.ends.get(corr) ?? 0) + 1)
    return true
  }
}

function checkErrorAnswer({ flags, code, corr, payload }: Frame): void {
  assert.equal(flags, FLAG.RESP | FLAG.END, 'an error is RESP|END')
  const members = parseJson(payload)
  assert.ok(isErrorCode(members['code']), `an error has code ${JSON.stringify(members['code'])}`)
  assert.ok(code >= 400 && code < 600 && code !== 500, `an error has status ${code}`)
  assert.equal(members['corr_id'], corrHex(corr))
  assert.equal(typeof members['message'], 'string')
  assert.equal(typeof members['retryable'], 'boolean')
  assert.equal('retry_after_ms' in members, code === 429 || code === 503)
}

/** How often each corr_id stands in a frame of what a peer sent, whole or refused. */
export class Asked implements FrameSink {
  readonly times = new Map<CorrId, number>()
  frames = 0
  readonly #decoder = new FrameDecoder(this)

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
  }

  /** True at a frame boundary, with nothing before it that ends a session. */
  isClean = true

  get isPartial(): boolean {
    return this.#decoder.isPartial
  }

  frame({ corr }: Frame): boolean {
    return this.#seen(corr)
  }

  fault({ corr, fatal }: FrameFault): boolean {
    if (fatal) this.isClean = false
    return this.#seen(corr)
  }

  #seen(corr: CorrId): boolean {
    this.frames++
    this.times.set(corr, (this.times.get(corr) ?? 0) + 1)
    return true
  }
}
