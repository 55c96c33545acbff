import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { ConnectError, OapError, createClient, newTraceparent } from 'omnigate/sdk'
import type { Hub } from 'omnigate/sdk'
import { namesOf } from './names.ts'
import { Served } from './served.ts'
import { vestService } from './service.ts'

const AT_ONCE = 4

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { zoom: { type: 'string' }, output: { type: 'string', short: 'o' } }
})
const [url, path] = positionals

if (url === undefined || (path === undefined) === (values.zoom === undefined)) {
  console.error('usage: npx node client.ts MULTIADDR PATH [-o FILE]')
  console.error('       npx node client.ts MULTIADDR --zoom Z, for all tiles of a zoom')
  process.exit(64)
}

// All that one run asks for is one trace.
const traceparent = newTraceparent()

try {
  await using hub = await createClient({
    url,
    cap: undefined,
    key: undefined,
    traceparent: () => traceparent
  })
  if (path === undefined) await allOf(hub, Number(values.zoom))
  else await one(hub, path)
} catch (error) {
  if (!(error instanceof ConnectError) && !(error instanceof OapError)) throw error
  console.error(
    error instanceof OapError
      ? `${error.status} ${error.code}: ${error.message} ${namesOf(error.corrId, traceparent)}`
      : error.message
  )
  process.exitCode = 1
}

async function one(hub: Hub, path: string): Promise<void> {
  const { contentType, bytes, corrId } = await tile(hub, path)
  if (values.output !== undefined) await writeFile(values.output, bytes, { flag: 'wx' })
  console.log(`${path}: ${contentType}, ${bytes.length} bytes ${namesOf(corrId, traceparent)}`)
}

async function allOf(hub: Hub, zoom: number): Promise<void> {
  const side = 2 ** zoom
  const paths = Array.from(
    { length: side * side },
    (_, n) => `/${zoom}/${Math.floor(n / side)}/${n % side}.png`
  )
  const next = paths.values()
  const got = new Served(performance.now())
  let lastCorrId: bigint | undefined
  const carry = async (): Promise<void> => {
    for (const path of next) {
      const begun = performance.now()
      const { bytes, corrId } = await tile(hub, path)
      lastCorrId = corrId
      got.tile(bytes.length, performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, carry))
  console.log(`${got.text(performance.now())} last ${namesOf(lastCorrId, traceparent)}`)
}

async function tile(hub: Hub, path: string) {
  let corrId: bigint | undefined
  const { content_type: contentType, body: bytes = new Uint8Array() } = await hub
    .client(vestService)
    .get({ path }, { onOpen: id => void (corrId = id) })
  return { contentType, bytes, corrId }
}
