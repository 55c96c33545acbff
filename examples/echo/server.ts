import { once } from 'node:events'
import { SetupError, createNode, loadConfig } from 'omnigate'
import type { Handlers } from 'omnigate/protocols'
import { namesOf } from './names.ts'
import { shoutService } from './service.ts'

const handlers: Handlers<(typeof shoutService)['operations']> = {
  shout: ({ body = new Uint8Array(0), times = 1 }, { isE2e, corrId }) => {
    const names = namesOf(corrId)
    if (isE2e) {
      console.log(`sealed: ${body.length} bytes, none of them readable here ${names}`)
      return body
    }
    const text = Buffer.from(body).toString()
    console.log(`plain: ${text} ${names}`)
    return Buffer.from(Array.from({ length: times }, () => text.toUpperCase()).join(' '))
  },

  shout_long: (_request, { body }) => ({ head: undefined, body: inCapitals(body) })
}

// Capitals of ASCII keep their place and length, so a piece may be cut anywhere.
async function* inCapitals(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece.map(byte => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte))
  }
}

try {
  const { config } = loadConfig({
    flags: {
      'node.listen': [process.argv[2] ?? '/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      // Whoever reaches this node may call it. Without this line a caller needs a capability for shout:call.
      'capabilities.openVerbs': ['shout:call']
    }
  })
  await using node = createNode(config, { services: [{ table: shoutService, handlers }] })
  await node.start()
  console.log(`serving at ${node.status().addresses[0]}`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = error.exitCode
}
