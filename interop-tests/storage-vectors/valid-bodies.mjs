import { Store, fileOf, framed, short } from './blocks.mjs'

export async function validBodies() {
  const out = []
  const store = new Store()
  const one = (name, about, cid, content, ...ranges) => {
    const total = store.length(cid)
    ;[[0, Infinity], ...ranges].forEach(([offset, length], n) => {
      const to = Math.min(offset + length, total)
      const blocks = total === 0 ? [store.get(cid)] : store.walk(cid, offset, to)
      out.push({
        name: n === 0 ? name : `${name}-range-${'abcdefgh'[n - 1]}`,
        about,
        cid: cid.toString(),
        ...(n > 0 && { offset, length }),
        total_len: total,
        blocks: blocks.length,
        body: short(framed(blocks)),
        plain: short(content.subarray(offset, to))
      })
    })
  }
  const empty = Buffer.alloc(0)
  one('empty', 'one leaf without bytes', await store.add(empty, 65536, 1024), empty)
  const hello = Buffer.from('hello')
  one(
    'leaf',
    'one leaf; a range of it is sent as the whole leaf',
    await store.add(hello, 65536, 1024),
    hello,
    [1, 3],
    [4, 99]
  )
  const full = Buffer.alloc(65536, 0x61)
  one('full-leaf', 'one leaf of 64 KiB', await store.add(full, 65536, 1024), full)
  const large = Buffer.alloc(1 << 20, 0x62)
  one('largest-leaf', 'one leaf of 1 MiB', await store.add(large, 1 << 20, 1024), large)
  const letters = Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789-+*/=')
  one(
    'levels',
    'leaves of 4 bytes, 3 links a node: 4 levels, whose last nodes have one link',
    await store.add(letters, 4, 3),
    letters,
    [0, 1],
    [3, 2],
    [35, 3],
    [40, 1],
    [12, 24],
    [0, 1000]
  )
  const zeros = Buffer.alloc(200)
  one('same-leaves', 'a block is sent as often as it occurs', await store.add(zeros, 10, 4), zeros, [95, 20])
  const two = Buffer.concat([Buffer.alloc(65536, 0x63), Buffer.alloc(65536, 0x64)])
  one('two-leaves', 'leaves of 64 KiB', await store.add(two, 65536, 1024), two, [65535, 2])
  one('eight-levels', 'nodes of one link each', await store.chain(8), Buffer.from('x'))
  const inner = await store.node(fileOf(6, 6), await store.raw(Buffer.from('sixsix')))
  const uneven = await store.node(fileOf(10, 4, 6), await store.raw(Buffer.from('four')), inner)
  one('uneven', 'leaves of different lengths at different depths', uneven, Buffer.from('foursixsix'), [3, 3])
  return out
}
