import { FLAG, KIND_MASK } from '../../protocols/index.ts'
import type { Frame } from '../../protocols/index.ts'

export interface ExplainedKind {
  readonly about: string
  readonly problem?: string
}

const HALVES: Readonly<Record<number, readonly [name: string, whole: string]>> = {
  [FLAG.REQ]: ['request', 'a whole request, or one whose body is not streamed'],
  [FLAG.RESP]: ['answer', 'a whole answer']
}

const WRONG_KIND = 'bad_sequence: a receiver drops and counts this frame'

/** What the flags say of the frame's place in its call. @see specs/oap-1.md, sections 5.1 and 5.2 */
export function explainKind({ flags, app, corr, payloadBytes }: Frame): ExplainedKind {
  const kind = flags & KIND_MASK
  if (kind === 0) return withoutKind(flags, app)
  if (kind === FLAG.EVENT) return { about: 'an event of a subscription' }
  const half = HALVES[kind]
  if (half === undefined) {
    return {
      about: 'of several kinds',
      problem: `${WRONG_KIND}: exactly one of REQ, RESP and EVENT may be set`
    }
  }
  if (kind === FLAG.REQ && app !== 0 && corr === 0) {
    return {
      about: 'a request without a name',
      problem: 'bad_sequence (400): corr_id 0 belongs to HELLO alone'
    }
  }
  return { about: partOf(half, flags, payloadBytes) }
}

function withoutKind(flags: number, app: number): ExplainedKind {
  if (app === 0 && (flags & (FLAG.START | FLAG.END)) === 0) return { about: 'a HELLO in its flagless form' }
  return { about: 'of no kind', problem: `${WRONG_KIND}: none of REQ, RESP and EVENT is set` }
}

function partOf([name, whole]: readonly [string, string], flags: number, payloadBytes: number): string {
  const isStart = (flags & FLAG.START) !== 0
  const isEnd = (flags & FLAG.END) !== 0
  if (isStart && isEnd) return whole
  if (isStart) return `the start of ${name === 'answer' ? 'an answer' : 'a request'}`
  if (isEnd) return payloadBytes === 0 ? `the end of the ${name}` : `the last part of the ${name}`
  return `a middle part of the ${name}`
}
