import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BlockSet, patterned } from './blob.fixture.ts'
import { cidText } from './cid.ts'
import type { Cid } from './cid.ts'
import { dagWalk } from './dag-walk.ts'
import { ReadAhead } from './read-ahead.ts'
import type { ReadAheadPlace } from './read-ahead.ts'

/** A reader that keeps leaves of ten bytes. */
class Reader {
  readonly place: ReadAheadPlace
  leaves = 0

  constructor(room: ReadAhead) {
    this.place = room.place(() => {
      if (this.leaves === 0) return 0
      this.leaves--
      return 10
    })
  }

  come(): this {
    this.place.came()
    return this
  }

  takes(leaves: number): boolean {
    for (let n = 0; n < leaves; n++) {
      if (!this.place.take(10)) return false
      this.leaves++
    }
    return true
  }
}

describe('room for what is read ahead', () => {
  test('is shared by all, and none is taken beyond it', () => {
    const room = new ReadAhead(50)
    const [a, b] = [new Reader(room).come(), new Reader(room).come()]

    assert.deepEqual([a.takes(3), b.takes(2), a.takes(1), b.takes(1)], [true, true, false, false])
    assert.equal(room.heldBytes, 50)
    assert.equal(a.place.take(51), false)

    a.place.give(10)
    assert.ok(b.takes(1))
    a.place[Symbol.dispose]()
    b.place[Symbol.dispose]()
    assert.equal(room.heldBytes, 0)
  })

  test('goes to a reader that came twice since another came, from the slowest first', () => {
    const room = new ReadAhead(50)
    const slow = [1, 2, 3, 4, 5].map(() => new Reader(room).come())
    for (const reader of slow) assert.ok(reader.takes(1))
    const fast = new Reader(room).come()

    assert.equal(fast.takes(1), false)
    slow[0]!.come()
    fast.come()
    assert.ok(fast.takes(4))

    assert.deepEqual(
      slow.map(({ leaves }) => leaves),
      [1, 0, 0, 0, 0]
    )
    assert.equal(fast.takes(1), false)
    assert.equal(room.heldBytes, 50)
  })

  test('is taken by none of the same pace', () => {
    const room = new ReadAhead(50)
    const holding = Array.from({ length: 5 }, () => new Reader(room))
    for (const reader of holding) assert.ok(reader.come().takes(1))
    const others = Array.from({ length: 5 }, () => new Reader(room))

    for (let round = 0; round < 5; round++) {
      for (const reader of holding) reader.come()
      for (const reader of others) assert.equal(reader.come().takes(1), false)
    }

    for (const { leaves } of holding) assert.equal(leaves, 1)
  })

  test('comes back from one that went away without a word, once others want it', () => {
    const room = new ReadAhead(50)
    const gone = new Reader(room).come()
    assert.ok(gone.takes(5))
    const here = new Reader(room).come().come()
    gone.leaves = 0

    assert.ok(here.takes(5))
    assert.equal(room.heldBytes, 50)
  })
})

describe('walks that share room', () => {
  const LEAF = 10
  const blocks = new BlockSet()
  const bytes = patterned(400)
  const cid = blocks.blob(bytes, { leafBytes: LEAF, links: 100 })

  interface Walk {
    /** The plain bytes that came. */
    readonly plain: Uint8Array[]
    next(): Promise<boolean>
    leave(): Promise<unknown>
  }

  function walk(room: ReadAhead, asked: string[] = []): Walk {
    const source = (id: Cid): Uint8Array | undefined => {
      asked.push(cidText(id))
      return blocks.get(id)
    }
    const found = dagWalk({ cid, blocks: source, room, readAhead: 4 })
    const plain: Uint8Array[] = []
    return {
      plain,
      leave: () => found.return(),
      async next() {
        const { done, value } = await found.next()
        if (value?.cid.codec === 'raw') plain.push(value.bytes)
        return done !== true
      }
    }
  }

  test('hold no more than it, however many they are, and each comes to its end', async () => {
    const room = new ReadAhead(8 * LEAF)
    const walks = Array.from({ length: 100 }, () => walk(room))
    let most = 0

    for (let open = true; open;) {
      open = false
      for (const one of walks) if (await one.next()) open = true
      most = Math.max(most, room.heldBytes)
    }

    assert.ok(most > 0 && most <= 8 * LEAF, `${most}`)
    assert.equal(room.heldBytes, 0)
    for (const { plain } of walks) assert.deepEqual(Buffer.concat(plain), Buffer.from(bytes))
  })

  test('leave a fast one what it had alone, and what made way for it comes when it is due', async () => {
    const alone = new ReadAhead(8 * LEAF)
    const single = walk(alone)
    for (let n = 0; n < 4; n++) await single.next()
    const heldAlone = alone.heldBytes
    const room = new ReadAhead(8 * LEAF)
    const slow = Array.from({ length: 100 }, () => walk(room))
    for (const one of slow) for (let n = 0; n < 2; n++) await one.next()
    const asked: string[] = []
    const fast = walk(room, asked)

    const early: number[] = []
    for (let n = 1; await fast.next(); n++) early.push(asked.length - n)

    assert.equal(heldAlone, 3 * LEAF)
    // Two at a time, whenever fewer than two are left.
    assert.deepEqual(
      [...new Set(early.slice(3, 30))].toSorted((a, b) => a - b),
      [2, 3]
    )
    assert.deepEqual(Buffer.concat(fast.plain), Buffer.from(bytes))
    for (const one of slow) while (await one.next());
    for (const { plain } of slow) assert.deepEqual(Buffer.concat(plain), Buffer.from(bytes))
    assert.equal(room.heldBytes, 0)
  })

  test('give back what they hold when their reader leaves or a block is missing', async () => {
    const room = new ReadAhead(8 * LEAF)
    const left = walk(room)
    for (let n = 0; n < 3; n++) await left.next()
    assert.ok(room.heldBytes > 0)

    await left.leave()
    assert.equal(room.heldBytes, 0)

    let asked = 0
    const broken = dagWalk({ cid, room, blocks: id => (++asked > 3 ? undefined : blocks.get(id)) })
    await assert.rejects(async () => {
      for await (const _ of broken);
    })
    assert.equal(room.heldBytes, 0)
  })
})
