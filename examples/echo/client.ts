import { randomBytes } from 'node:crypto'
import { ConnectError, OapError, connect } from 'omnigate/sdk'
import { Traced, namesOf } from './names.ts'
import { seal, unseal } from './seal.ts'
import { shoutService } from './service.ts'

// Two applications would agree on a key between them; here both are this program.
const key = randomBytes(32)

const address = process.argv[2] ?? process.env['RON_NODE_URL']

if (address === undefined) {
  console.error('usage: npx node client.ts MULTIADDR, which server.ts prints')
  process.exit(64)
}

try {
  for (const encryption of ['noise', 'tls'] as const) await talk(address, encryption)
} catch (error) {
  console.error(explanation(error))
  process.exitCode = 1
}

async function talk(address: string, encryption: 'noise' | 'tls'): Promise<void> {
  await using node = await connect(address, { encryption: [encryption] })
  const { shout, shout_long } = node.client(shoutService)
  console.log(`over ${node.encryption}`)

  const first = new Traced()
  const answer = await shout({ body: Buffer.from('hello'), times: 2 }, first.options)
  console.log(`  plain:  ${Buffer.from(answer).toString()} ${first.names}`)

  const second = new Traced()
  const sealed = seal(key, Buffer.from('a secret'))
  const back = await shout({ body: sealed }, { ...second.options, e2e: true })
  console.log(`  sealed: untouched: ${Buffer.compare(back, sealed) === 0} ${second.names}`)
  console.log(`  sealed: opened:    ${Buffer.from(unseal(key, back)).toString()}`)

  const third = new Traced()
  const { body } = await shout_long({}, { ...third.options, body: megabyte() })
  let bytes = 0
  for await (const piece of body) bytes += piece.length
  console.log(`  long:   ${bytes} bytes in capitals ${third.names}`)

  const fourth = new Traced()
  const code = await shout({ body: Buffer.from('hi'), times: 11 }, fourth.options).then(
    () => 'none',
    error => (error instanceof OapError ? error.code : String(error))
  )
  console.log(`  wrong:  ${code} ${fourth.names}`)
}

function* megabyte(): Generator<Uint8Array> {
  for (let i = 0; i < 16; i++) yield Buffer.alloc(65_536, 'abc ')
}

function explanation(error: unknown): string {
  if (error instanceof ConnectError) return error.message
  if (!(error instanceof OapError)) throw error
  if (error.code === 'unknown_app')
    return `${address}: does not serve shout; give the address that server.ts printed`
  return `${address}: ${error.code}: ${error.message} ${namesOf(error.corrId)}`
}
