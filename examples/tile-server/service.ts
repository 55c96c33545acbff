import { defineService, header, matching, record, text, unary } from 'omnigate/protocols'

/** Longer files are no tiles. */
export const MOST_TILE_BYTES = 1_048_576
const MOST_PATH_BYTES = 1024
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9.+-]{1,100}$/

/** Map tiles by path, app 0x1001 of the registry: both sides import this table. */
export const vestService = defineService({
  name: 'vest',
  app: 0x1001,
  operations: {
    /** `path` is as in `/12/654/1583.webp`. The body of the answer is the tile. */
    get: unary({
      verb: 'vest:get',
      request: header({ path: text(MOST_PATH_BYTES) }),
      answer: record({ content_type: matching(type => MEDIA_TYPE.test(type), 'a media type') })
    })
  }
})
