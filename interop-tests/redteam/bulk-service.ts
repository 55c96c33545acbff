import type { Handlers, Service } from 'omnigate/protocols'
import { defineService, header, integer, nothing, streamed, unary, opaque } from 'omnigate/protocols'

const PIECE = new Uint8Array(65_536).fill(0x61)
const MOST = 2 ** 40

/** Big answers: `pour` as a stream, `whole` in one piece. */
export const bulkTable = defineService({
  name: 'bulk',
  app: 0x8001,
  operations: {
    pour: streamed({ verb: 'bulk:pour', request: header({ bytes: integer(0, MOST) }), answer: nothing }),
    whole: unary({ verb: 'bulk:whole', request: header({ bytes: integer(0, 67_108_864) }), answer: opaque })
  }
})

let pushed = 0

/** Bytes that `pour` has handed over so far. */
export const pushedBytes = (): number => pushed

const handlers: Handlers<(typeof bulkTable)['operations']> = {
  pour: ({ bytes }) => ({ head: undefined, body: pieces(bytes) }),
  whole: ({ bytes }) => new Uint8Array(bytes)
}

export const bulk: Service<(typeof bulkTable)['operations']> = { table: bulkTable, handlers }

async function* pieces(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= PIECE.length) {
    const piece = PIECE.subarray(0, Math.min(left, PIECE.length))
    pushed += piece.length
    yield piece
  }
}
