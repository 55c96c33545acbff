import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { sha256, sha512 } from 'multiformats/hashes/sha2'
import { PB, RAW, Store, fileOf, framed, hex, idOf, prefix, short, varint } from './blocks.mjs'

export async function invalidBodies() {
  const out = []
  const add = (name, code, blame, proved, cid, body, range = {}) =>
    out.push({
      name,
      code,
      blame,
      proved,
      cid: cid.toString(),
      ...range,
      body: body instanceof Uint8Array ? short(body) : body
    })
  const store = new Store()
  const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz')
  const root = await store.add(letters, 4, 3)
  const blocks = store.walk(root)
  const good = framed(blocks)
  const changed = (at, block) => framed(blocks.map((each, n) => (n === at ? block : each)))
  const flipped = (at, byte) => {
    const block = Buffer.from(blocks[at])
    block[byte] ^= 1
    return changed(at, block)
  }
  const nodes = blocks.flatMap((block, at) => (block.length > 4 ? [at] : []))
  const leaves = blocks.flatMap((block, at) => (block.length <= 4 ? [at] : []))
  const fault = (name, code, proved, body) => add(name, code, 'provider', proved, root, body)

  fault('wrong-root', 'bad_block', 0, flipped(0, 10))
  fault('wrong-first-node', 'bad_block', 0, flipped(nodes[1], 10))
  fault('wrong-last-node', 'bad_block', 24, flipped(nodes.at(-1), 10))
  fault('wrong-first-leaf', 'bad_block', 0, flipped(leaves[0], 0))
  fault('wrong-third-leaf', 'bad_block', 8, flipped(leaves[2], 3))
  fault('wrong-last-leaf', 'bad_block', 24, flipped(leaves[6], 1))
  const swapped = [...blocks]
  ;[swapped[leaves[0]], swapped[leaves[1]]] = [blocks[leaves[1]], blocks[leaves[0]]]
  fault('leaves-in-another-order', 'bad_block', 0, framed(swapped))
  fault('a-block-left-out', 'bad_block', 0, framed(blocks.filter((_, n) => n !== leaves[0])))
  fault(
    'a-block-twice',
    'bad_block',
    4,
    framed(blocks.flatMap((block, n) => (n === leaves[0] ? [block, block] : [block])))
  )
  fault(
    'a-leaf-longer-than-it-is',
    'bad_block',
    0,
    changed(leaves[0], Buffer.concat([blocks[leaves[0]], Buffer.of(0)]))
  )
  fault('a-leaf-shorter-than-it-is', 'bad_block', 0, changed(leaves[0], blocks[leaves[0]].subarray(0, 3)))
  fault('a-leaf-without-bytes', 'bad_block', 0, changed(leaves[0], Buffer.alloc(0)))
  fault('nothing', 'dag_cut', 0, Buffer.alloc(0))
  fault('cut-in-a-length', 'dag_cut', 0, good.subarray(0, 3))
  fault('cut-in-the-root', 'dag_cut', 0, good.subarray(0, 50))
  fault('cut-behind-the-root', 'dag_cut', 0, framed(blocks.slice(0, 1)))
  fault('cut-in-the-last-leaf', 'dag_cut', 24, good.subarray(0, -1))
  fault('a-byte-behind', 'dag_surplus', 26, Buffer.concat([good, Buffer.of(0)]))
  fault('a-block-behind', 'dag_surplus', 26, framed([...blocks, letters]))
  fault('a-node-without-end', 'block_oversize', 0, prefix(0xffffffff))
  fault('a-node-a-byte-too-long', 'block_oversize', 0, prefix(65537))
  const leaf = await store.raw(letters)
  add('a-leaf-without-end', 'block_oversize', 'provider', 0, leaf, prefix(0x7fffffff))
  add('a-leaf-a-byte-too-long', 'block_oversize', 'provider', 0, leaf, prefix(1048577))
  add('more-than-the-range', 'bad_block', 'provider', 0, root, good, { offset: 8, length: 4 })
  add('less-than-the-range', 'dag_cut', 'provider', 4, root, framed(store.walk(root, 8, 12)), {
    offset: 8,
    length: 5
  })

  const FOUR = Buffer.from('four')
  const four = await store.raw(FOUR)
  const content = (name, code, cid, ...below) =>
    add(name, code, 'content', 0, cid, framed([store.get(cid), ...below]))
  const nine = await store.chain(9)
  content('nine-levels', 'too_deep', nine, ...store.walk(nine).slice(1, 8))
  content('a-leaf-of-another-length', 'bad_lengths', await store.node(fileOf(3, 3), four), FOUR)
  const inner = await store.node(fileOf(4, 4), four)
  content(
    'a-node-of-another-length',
    'bad_lengths',
    await store.node(fileOf(5, 5), inner),
    store.get(inner),
    FOUR
  )
  content('lengths-that-do-not-add-up', 'bad_lengths', await store.node(fileOf(9, 4, 4), four, four))
  content('fewer-lengths-than-links', 'bad_lengths', await store.node(fileOf(4, 4), four, four))
  content('more-lengths-than-links', 'bad_lengths', await store.node(fileOf(8, 4, 4), four))
  content(
    'an-empty-child',
    'bad_lengths',
    await store.node(fileOf(4, 4, 0), four, await store.raw(Buffer.alloc(0)))
  )

  const message = (tag, bytes) => Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes])
  const join = (...parts) => Buffer.concat(parts)
  const data = message(0x0a, fileOf(4, 4))
  const hash = message(0x0a, four.bytes)
  const name = Buffer.of(0x12, 0)
  const size = Buffer.of(0x18, 4)
  const link = message(0x12, join(hash, name, size))
  const bad = async (what, block) =>
    add(what, 'bad_node', 'content', 0, await idOf(PB, block), framed([block]))
  const withLink = inside => join(message(0x12, inside), data)
  const withData = bytes => join(link, message(0x0a, Buffer.from(bytes, 'hex')))
  await bad('a-node-without-bytes', Buffer.alloc(0))
  await bad('no-protobuf', Buffer.from('hello'))
  await bad('no-data', link)
  await bad('no-links', dagPb.encode({ Data: new UnixFS({ type: 'file' }).marshal(), Links: [] }))
  await bad(
    'a-file-with-bytes-of-its-own',
    dagPb.encode({ Data: new UnixFS({ type: 'file', data: Buffer.from('abcd') }).marshal(), Links: [] })
  )
  await bad('data-before-links', join(data, link))
  await bad('data-twice', join(link, data, data))
  await bad('bytes-behind-the-data', join(link, data, Buffer.of(0)))
  await bad('a-further-field', join(link, data, Buffer.of(0x18, 0)))
  await bad('a-link-without-a-hash', withLink(join(name, size)))
  await bad('a-link-with-a-name', withLink(join(hash, Buffer.of(0x12, 1, 0x61), size)))
  await bad('a-link-with-a-hash-behind-its-name', withLink(join(name, hash, size)))
  await bad('a-link-with-a-further-field', withLink(join(hash, name, size, Buffer.of(0x20, 1))))
  await bad('a-link-that-is-cut-off', join(Buffer.of(0x12, 0x30), hash, name, size.subarray(0, 1)))
  await bad('a-link-longer-than-the-node', join(Buffer.of(0x12, 0x7f), hash, name, size))
  await bad(
    'a-link-with-a-size-that-is-not-in-its-shortest-form',
    withLink(join(hash, name, Buffer.of(0x18, 0x84, 0)))
  )
  const digest = await sha256.digest(FOUR)
  const linkTo = cid => withLink(join(message(0x0a, cid.bytes), name, size))
  await bad('a-link-of-version-0', linkTo(CID.createV0(digest)))
  await bad('a-link-of-another-codec', linkTo(CID.createV1(0x71, digest)))
  await bad('a-link-of-another-hash', linkTo(CID.createV1(RAW, await sha512.digest(FOUR))))
  await bad('a-link-with-its-content-in-it', linkTo(CID.createV1(RAW, identity.digest(FOUR))))
  await bad('a-folder', join(link, message(0x0a, new UnixFS({ type: 'directory' }).marshal())))
  await bad('a-raw-node', withData('080018042004'))
  await bad('a-symbolic-link', withData('080418042004'))
  await bad('no-length', withData('08022004'))
  await bad('a-length-without-a-type', withData('18042004'))
  await bad('lengths-packed', withData('08021804220104'))
  await bad('a-mode', withData('08021804200438a403'))
  await bad('a-length-that-is-not-in-its-shortest-form', withData('0802188400' + '2004'))
  await bad('a-length-beyond-2-to-53', join(link, message(0x0a, fileOf(2n ** 53n, 2n ** 53n))))
  const sizes = Array(1025).fill(4)
  const many = fileOf(4100, ...sizes)
  const block = join(...Array(1025).fill(link), message(0x0a, many))
  const times = (bytes, count) => ({ repeat: { hex: hex(bytes), count } })
  add('more-than-1024-links', 'bad_node', 'content', 0, await idOf(PB, block), [
    hex(prefix(block.length)),
    times(link, 1025),
    hex(join(Buffer.of(0x0a), varint(many.length), many.subarray(0, many.length - 2050))),
    times(Buffer.of(0x20, 4), 1025)
  ])

  add('a-range-behind-the-end', 'bad_range', 'caller', 0, root, framed(blocks.slice(0, 1)), { offset: 26 })
  add(
    'a-range-of-nothing',
    'bad_range',
    'caller',
    0,
    await store.raw(Buffer.alloc(0)),
    framed([Buffer.alloc(0)]),
    { offset: 1 }
  )
  return out
}
