import { defineService, header, integer, record, streamed, text } from 'omnigate/protocols'

/** Longer files are no tiles. */
export const MOST_TILE_BYTES = 1_048_576
const MOST_PATH_BYTES = 1024

/** Map tiles by path, app 0x1001 of the registry: both sides import this table. */
export const vestService = defineService({
  name: 'vest',
  app: 0x1001,
  operations: {
    /** `path` is as in `/12/654/1583.webp`. The body is the tile. */
    get: streamed({
      verb: 'vest:get',
      request: header({ path: text(MOST_PATH_BYTES) }),
      answer: record({ length: integer(0, MOST_TILE_BYTES), content_type: text(127) })
    })
  }
})
