import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cidText } from '../../protocols/index.ts'
import type { Block } from './file-dag.ts'
import { importBlob } from './import-blob.ts'

const PROFILE = { leafBytes: 4, links: 3 }

void describe('importing a blob', () => {
  void test('yields the root that the sink took last', async () => {
    const taken: Block[] = []

    const root = await importBlob([Buffer.from('one two three')], block => void taken.push(block), {
      profile: PROFILE
    })

    assert.equal(cidText(taken.at(-1)!.cid), cidText(root.cid))
    assert.equal(root.length, 13)
  })

  void test('asks for no further piece before the sink has taken what it has', async () => {
    let pulled = 0
    let taken = 0
    const lead: number[] = []
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; pulled < 50; pulled++) {
        lead.push(pulled - taken)
        yield Buffer.alloc(4, pulled)
      }
    }

    await importBlob(
      source(),
      async ({ cid }) => {
        await Promise.resolve()
        if (cid.codec === 'raw') taken++
      },
      { profile: PROFILE }
    )

    assert.equal(taken, 50)
    assert.deepEqual(new Set(lead), new Set([0]))
  })

  void test('cuts a long piece, so that progress is told on the way', async () => {
    const told: number[] = []

    await importBlob([Buffer.alloc(2_500_000)], () => {}, { onProgress: bytes => told.push(bytes) })

    assert.deepEqual(told, [1_048_576, 2_097_152, 2_500_000])
  })

  void test('ends with what the source throws, and closes the source when the sink throws', async () => {
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('abcd')
      throw new Error('broken off')
    })()
    await assert.rejects(
      importBlob(broken, () => {}, { profile: PROFILE }),
      /broken off/
    )

    let isClosed = false
    const open = (async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('abcd')
      } finally {
        isClosed = true
      }
    })()
    const full = (): never => {
      throw new Error('disk full')
    }
    await assert.rejects(importBlob(open, full, { profile: PROFILE }), /disk full/)
    assert.equal(isClosed, true)
  })

  void test('ends with an abort, before the sink gets more', async () => {
    const abort = new AbortController()
    let taken = 0
    const endless = (async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.from('abcd')
    })()

    await assert.rejects(
      importBlob(endless, () => void (++taken === 5 && abort.abort()), {
        profile: PROFILE,
        signal: abort.signal
      }),
      { name: 'AbortError' }
    )
    assert.equal(taken, 5)
  })
})
