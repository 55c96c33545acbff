import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import test from 'node:test'
import vm from 'node:vm'
import { build } from 'esbuild'

const bundle = async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    minifyWhitespace: true,
    format: 'iife',
    globalName: 'oap',
    platform: 'browser',
    logLevel: 'silent'
  })
  return { text: outputFiles[0]!.text, inputs: Object.keys(metafile.inputs) }
}

test('bundles for browsers without anything of Node or libp2p', async () => {
  const { text, inputs } = await bundle()

  assert.ok(!/require\(|from "node:|\bBuffer\b|\bprocess\./.test(text), 'something of Node is in the bundle')
  const foreign = inputs.filter(path => path.includes('node_modules') && !path.includes('uint8array'))
  assert.deepEqual(foreign, [])
})

test('encodes and decodes a frame where only web globals exist', async () => {
  const { text } = await bundle()
  const globals = {
    TextEncoder,
    TextDecoder,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    performance,
    AbortController
  }
  const context = vm.createContext({ ...globals })

  const corr: unknown = vm.runInContext(
    `${text};
    let seen
    const sink = { frame: f => { seen = f.corrId; return true }, fault: () => true }
    new oap.FrameDecoder(sink).push(oap.encodeFrame({ flags: 1, corr: 2n ** 60n }))
    seen`,
    context
  )

  assert.equal(corr, 2n ** 60n)
})

test('narrows, inspects and proves a capability where only web globals exist', async () => {
  const { text } = await bundle()
  const context = vm.createContext({ TextEncoder, TextDecoder, crypto, AbortController, performance })

  const seen = vm.runInContext(
    `${text};
    const crypto_ = oap.plainMacaroonCrypto()
    const hub = 'h1' + 'a'.repeat(52)
    const key = oap.chainKey(crypto_, new Uint8Array(32).fill(7))
    const minted = oap.mint(crypto_, {
      hub, key, kid: 1, capId: '00'.repeat(16), tenant: '01020304-0506-0708-090a-0b0c0d0e0f10', iat: 0,
      caveats: [{ key: 'expires', value: 1800000000 }]
    })
    const narrowed = oap.attenuate(crypto_, minted, [{ key: 'read-only', value: true }])
    const bytes = oap.tokenBytes(oap.tokenText({ macaroon: narrowed, discharges: [] }))
    const keys = { current: 1, chainKey: () => key }
    JSON.stringify([
      oap.inspectToken(bytes).limits.isReadOnly,
      oap.verifyToken(bytes, { crypto: crypto_, hub, keys }).limits.isReadOnly
    ])`,
    context
  ) as string

  assert.deepEqual(JSON.parse(seen), [true, true])
})
