import { CID } from 'multiformats/cid'
import { base16 } from 'multiformats/bases/base16'
import { base32, base32pad, base32upper } from 'multiformats/bases/base32'
import { base58btc } from 'multiformats/bases/base58'
import { base64url } from 'multiformats/bases/base64'
import { identity } from 'multiformats/hashes/identity'
import { sha256, sha512 } from 'multiformats/hashes/sha2'
import { PB, RAW, Store, counted, hex, idOf } from './blocks.mjs'

export async function acceptedCids() {
  const out = []
  for (const [name, codec, content] of [
    ['raw-empty', RAW, ''],
    ['raw', RAW, 'hello'],
    ['node', PB, 'not looked at']
  ]) {
    const cid = await idOf(codec, Buffer.from(content))
    out.push({
      name,
      text: cid.toString(),
      binary: hex(cid.bytes),
      codec: codec === RAW ? 'raw' : 'dag-pb',
      digest: hex(cid.multihash.digest)
    })
  }
  return out
}

export async function refusedCids() {
  const content = Buffer.from('hello')
  const hash = await sha256.digest(content)
  const digest = Buffer.from(hash.digest)
  const good = CID.createV1(RAW, hash)
  const text = good.toString()
  const binary = Buffer.from(good.bytes)
  const out = []
  const asText = (name, code, value) => out.push({ name, code, text: value })
  const both = (name, code, bytes) => {
    out.push({ name, code, binary: hex(bytes) })
    asText(`${name}-text`, code, base32.encode(bytes))
  }
  asText('empty', 'bad_cid', '')
  asText('prefix-alone', 'bad_cid', 'b')
  asText('not-a-cid', 'bad_cid', 'hello')
  asText('upper-case', 'bad_cid', good.toString(base32upper))
  asText('mixed-case', 'bad_cid', `b${text[1].toUpperCase()}${text.slice(2)}`)
  asText('base-58', 'bad_cid', good.toString(base58btc))
  asText('base-16', 'bad_cid', good.toString(base16))
  asText('base-64-url', 'bad_cid', good.toString(base64url))
  asText('base-32-padded', 'bad_cid', good.toString(base32pad))
  asText('padding', 'bad_cid', `${text}======`)
  asText('a-space-behind', 'bad_cid', `${text} `)
  asText('a-line-feed-behind', 'bad_cid', `${text}\n`)
  asText('a-path-behind', 'bad_cid', `${text}/a`)
  asText('a-path-before', 'bad_cid', `/ipfs/${text}`)
  asText('an-address', 'bad_cid', `ipfs://${text}`)
  asText('a-digit-that-is-none', 'bad_cid', `${text.slice(0, 20)}1${text.slice(21)}`)
  asText('a-character-that-is-none', 'bad_cid', `${text.slice(0, 20)}é${text.slice(21)}`)
  asText('a-wide-character-that-is-none', 'bad_cid', `${text.slice(0, 20)}Ţ${text.slice(21)}`)
  const last = 'abcdefghijklmnopqrstuvwxyz234567'
  asText('bits-left-over', 'bad_cid', text.slice(0, -1) + last[last.indexOf(text.at(-1)) + 1])
  asText('a-character-too-few', 'bad_cid', text.slice(0, -1))
  asText('a-character-too-many', 'bad_cid', `${text}a`)
  asText('too-long', 'bad_cid', `b${'a'.repeat(128)}`)
  asText('version-0', 'unsupported_cid', CID.createV0(hash).toString())

  both('nothing', 'bad_cid', Buffer.alloc(0))
  both('cut-before-the-codec', 'bad_cid', binary.subarray(0, 1))
  both('cut-before-the-hash', 'bad_cid', binary.subarray(0, 2))
  both('cut-before-the-length', 'bad_cid', binary.subarray(0, 3))
  both('cut-before-the-digest', 'bad_cid', binary.subarray(0, 4))
  both('cut-in-the-digest', 'bad_cid', binary.subarray(0, 35))
  both('a-byte-behind', 'bad_cid', Buffer.concat([binary, Buffer.of(0)]))
  both(
    'a-number-not-in-its-shortest-form',
    'bad_cid',
    Buffer.concat([Buffer.of(1, 0xd5, 0), binary.subarray(2)])
  )
  both('a-number-without-end', 'bad_cid', Buffer.alloc(36, 0x80))
  both('a-length-beyond-the-end', 'bad_cid', Buffer.concat([Buffer.of(1, 0x55, 0x12, 0x21), digest]))
  both('a-length-before-the-end', 'bad_cid', Buffer.concat([Buffer.of(1, 0x55, 0x12, 0x1f), digest]))
  both('version-0-bytes', 'unsupported_cid', Buffer.from(hash.bytes))
  both('version-2', 'unsupported_cid', Buffer.concat([Buffer.of(2), binary.subarray(1)]))
  both('version-2-alone', 'unsupported_cid', Buffer.of(2))
  both('version-0-in-the-form-of-1', 'unsupported_cid', Buffer.concat([Buffer.of(0), binary.subarray(1)]))
  for (const [name, codec] of [
    ['dag-cbor', 0x71],
    ['dag-json', 0x129],
    ['libp2p-key', 0x72],
    ['codec-300', 300]
  ])
    both(name, 'unsupported_cid', CID.createV1(codec, hash).bytes)
  both('sha2-512', 'unsupported_cid', CID.createV1(RAW, await sha512.digest(content)).bytes)
  both('identity', 'unsupported_cid', CID.createV1(RAW, identity.digest(content)).bytes)
  both('identity-of-32-bytes', 'unsupported_cid', CID.createV1(RAW, identity.digest(digest)).bytes)
  both('blake3', 'unsupported_cid', Buffer.concat([Buffer.of(1, 0x55, 0x1e, 0x20), digest]))
  both(
    'a-short-sha2-256',
    'unsupported_cid',
    Buffer.concat([Buffer.of(1, 0x55, 0x12, 0x14), digest.subarray(0, 20)])
  )
  return out
}

export async function blobs() {
  const out = []
  for (const [profile, leaf] of [
    ['omnigate-v1', 65536],
    ['unixfs-v1-2025', 1048576]
  ]) {
    const lengths = [
      0,
      1,
      leaf - 1,
      leaf,
      leaf + 1,
      3 * leaf + 5,
      ...(leaf === 65536 ? [1024 * leaf, 1024 * leaf + 1, 1025 * leaf + 1] : [65536, 65537])
    ]
    for (const length of lengths) {
      const store = new Store()
      const cid = await store.add(counted(length), leaf, 1024)
      out.push({ profile, counted: length, cid: cid.toString(), blocks: store.count(cid) })
    }
    const store = new Store()
    const zeros = 100 * leaf + 1
    const cid = await store.add(new Uint8Array(zeros), leaf, 1024)
    out.push({ profile, zeros, cid: cid.toString(), blocks: store.count(cid) })
  }
  return out
}
