import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { omnigate } from '../our-node.ts'
import { startGateway } from './gateway-node.ts'
import type { GatewayNode } from './gateway-node.ts'
import { whyNotHere } from './here.ts'
import { MIB, sample, sha256 } from './samples.ts'

const HELIA = fileURLToPath(new URL('helia/', import.meta.url))
const COMMAND_MS = 120_000

interface Fetched {
  readonly cid: string
  readonly length?: number
  readonly sha256?: string
  readonly error?: string
}

describe('Helia', { skip: whyNotHere() ?? false, timeout: 600_000 }, () => {
  let ours: GatewayNode

  before(async () => {
    ours = await startGateway()
  })
  after(() => ours?.[Symbol.asyncDispose]())

  for (const way of ['router', 'gateway']) {
    test(`fetches a public blob, and no other, by way of the ${way}`, async () => {
      const bytes = sample(`helia ${way}`, 5 * MIB + 1)
      const open = await ours.put(bytes, { class: 'public' })
      const hidden = await ours.put(sample(`hidden ${way}`, 100_000), { class: 'private' })

      const [got, refused] = await fetched(way, ours.url, open, hidden)

      assert.deepEqual(got, { cid: open, length: bytes.length, sha256: sha256(bytes) })
      assert.equal(refused!.length, undefined)
      // By the router there is nobody to ask; the gateway itself says 404.
      if (way === 'gateway') assert.match(refused!.error!, /404|[Nn]ot [Ff]ound/)
    })
  }

  test("'s reader of CARs finds every block of ours in its place", async () => {
    const bytes = sample('car', 200_000)
    const cid = await ours.put(bytes, { class: 'public' })
    const file = join(ours.data, 'a.car')

    const command = await omnigate(['blob', 'get', cid, '--data', ours.data, '--car', '-o', file], COMMAND_MS)
    const response = await fetch(`${ours.url}/ipfs/${cid}?format=car`)
    const served = Buffer.from(await response.arrayBuffer())
    const read = JSON.parse(await ran('read-car.mjs', [], served)) as Record<string, unknown>

    assert.equal(command.code, 0, command.stderr)
    assert.deepEqual(readFileSync(file), served)
    const { blocks, ...head } = read
    assert.deepEqual(head, { version: 1, roots: [cid] })
    assert.deepEqual([(blocks as string[]).length, (blocks as string[])[0]], [5, cid])
  })
})

async function fetched(...args: readonly string[]): Promise<Fetched[]> {
  const lines = (await ran('fetch.mjs', args)).trim().split('\n')
  return lines.map(line => JSON.parse(line) as Fetched)
}

/** What a script of the folder prints. @throws with what it complained of */
async function ran(script: string, args: readonly string[], input?: Uint8Array): Promise<string> {
  const child = spawn(process.execPath, [script, ...args], { cwd: HELIA })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (answer === '') throw new Error(`${script}: ${complaint.trim()}`)
  return answer
}
