import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { omnigate } from '../our-node.ts'
import type { GatewayNode } from './gateway-node.ts'

const COMMAND_MS = 120_000

/** Adds bytes with `blob add` and writes their CAR with `blob get --car`; `ipfsAdd` is the equivalent command as words, `ipfs` first. */
export async function addedWithCar(
  ours: GatewayNode,
  bytes: Uint8Array,
  profile: string
): Promise<{ readonly cid: string; readonly car: string; readonly ipfsAdd: readonly string[] }> {
  const file = join(ours.data, `${profile}-${bytes.length}`)
  writeFileSync(file, bytes)
  const add = ['blob', 'add', file, '--data', ours.data, '--profile', profile, '--json']
  const added = await omnigate(add, COMMAND_MS)
  const { cid, ipfs_add } = JSON.parse(added.stdout.join('\n')) as Record<'cid' | 'ipfs_add', string>
  const car = `${file}.car`
  const got = await omnigate(['blob', 'get', cid, '--data', ours.data, '--car', '-o', car], COMMAND_MS)
  assert.equal(got.code, 0, got.stderr)
  return { cid, car, ipfsAdd: ipfs_add.split(' ') }
}
