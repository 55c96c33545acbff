import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { echoService } from 'omnigate/protocols'
import { connect } from 'omnigate/sdk'
import { digestOf } from './bodies.ts'
import { OurNode } from './our-node.ts'

const MIB = 1024 * 1024
const STREAMS = 8
const BODY_BYTES = 64 * MIB
/** Of one stream: the windows and buffers of both ends, several times over, and a third of its body. */
const MOST_TAKEN_BYTES = 20 * MIB
const MOST_GROWTH_BYTES = 160 * MIB
const STALLED_MS = 1500
const STALL_DEADLINE_MS = 30_000

// The resident size of another process is read from /proc.
test(
  'a reader that does not read makes the writer wait, in bounded memory on both sides',
  { skip: process.platform === 'linux' ? false : 'the resident size of a process is read from /proc' },
  async () => {
    await using node = await OurNode.start()
    await using hub = await connect(node.address)
    const echo = hub.client(echoService)
    const before = await residentBytes(node.child.pid)
    const ownBefore = process.memoryUsage().rss

    const sent = Array<number>(STREAMS).fill(0)
    const streams = await Promise.all(
      sent.map((_, n) => echo.stream({}, { body: counted(size => (sent[n]! += size)) }))
    )
    await stalled(sent)

    const growth = (await residentBytes(node.child.pid)) - before
    assert.ok(growth < MOST_GROWTH_BYTES, `the node grew by ${growth} bytes`)
    assert.ok(process.memoryUsage().rss - ownBefore < MOST_GROWTH_BYTES)
    for (const bytes of sent) assert.ok(bytes < MOST_TAKEN_BYTES, `${bytes} bytes were taken`)

    const { length } = await digestOf(streams[0]!.body)
    assert.equal(length, BODY_BYTES)
  }
)

/** Pieces of a body, each told when it is asked for. */
function* counted(told: (bytes: number) => void): Generator<Uint8Array> {
  const piece = new Uint8Array(65_536)
  for (let left = BODY_BYTES; left > 0; left -= piece.length) {
    told(piece.length)
    yield piece
  }
}

/** Resolves once the numbers have stood still for a while. */
async function stalled(numbers: readonly number[]): Promise<void> {
  const deadline = performance.now() + STALL_DEADLINE_MS
  for (let before = ''; before !== numbers.join();) {
    assert.ok(performance.now() < deadline, 'the writer never waited')
    before = numbers.join()
    await delay(STALLED_MS)
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024
}
