// Reads a CAR from standard input with @ipld/car, checks each block, and prints its roots and blocks as JSON.
import { createHash } from 'node:crypto'
import { CarBlockIterator } from '@ipld/car'

const car = await CarBlockIterator.fromIterable(process.stdin)
const blocks = []
for await (const { cid, bytes } of car) {
  const digest = createHash('sha256').update(bytes).digest()
  if (!digest.equals(cid.multihash.digest)) throw new Error(`${cid.toString()} has other bytes`)
  blocks.push(cid.toString())
}
console.log(JSON.stringify({ version: car.version, roots: (await car.getRoots()).map(String), blocks }))
