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
