import { writeFileSync } from 'node:fs'
import { acceptedCids, blobs, refusedCids } from './cids.mjs'
import { invalidBodies } from './invalid-bodies.mjs'
import { validBodies } from './valid-bodies.mjs'

// Writes vectors of storage with libraries of others, and none of our code: see README.md.
const VECTORS = new URL('../../specs/vectors/', import.meta.url)

const write = (name, value) =>
  writeFileSync(new URL(name, VECTORS), `${JSON.stringify(value, undefined, 2)}\n`)
write('storage-cids.json', {
  about: 'Content ids: storage.md, sections 2.1 and 2.3.',
  accepted: await acceptedCids(),
  refused: await refusedCids(),
  blobs: await blobs()
})
write('storage-dags.json', {
  about: 'Bodies of dag answers: storage.md, sections 2.2 and 3.2.',
  valid: await validBodies(),
  invalid: await invalidBodies()
})
