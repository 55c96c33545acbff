import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  ERRORS,
  OapError,
  STORAGE_LIMITS,
  cidOf,
  cidText,
  dagVerifier,
  dagWalk,
  decodePayload,
  framedBlocks,
  isContentFault,
  isProviderFault,
  parseCid,
  storageService
} from '../protocols/index.ts'
import type { ByteRange, Cid, DagVerifier, ErrorCode, Operation } from '../protocols/index.ts'
import { vectorBytes } from './vector-bytes.ts'
import type { Bytes } from './vector-bytes.ts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const sha256 = () => createHash('sha256')

interface Named {
  readonly name: string
  readonly about?: string
}

const names = (all: readonly Named[]): void =>
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length, 'names of their own')

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof OapError && error.code === code

describe('content ids', () => {
  const { accepted, refused } = JSON.parse(read('vectors/storage-cids.json')) as {
    readonly accepted: readonly (Named & Record<'text' | 'binary' | 'codec' | 'digest', string>)[]
    readonly refused: readonly (Named & {
      readonly code: string
      readonly text?: string
      readonly binary?: string
    })[]
  }

  test('have names of their own', () => {
    names(accepted)
    names(refused)
  })

  for (const { name, text, binary, codec, digest } of accepted) {
    test(`${name} is read and written`, () => {
      const bytes = vectorBytes(binary)
      for (const cid of [
        parseCid(text),
        parseCid(bytes),
        cidOf(codec as Cid['codec'], vectorBytes(digest))
      ]) {
        assert.equal(cid.codec, codec)
        assert.deepEqual(Buffer.from(cid.digest), vectorBytes(digest))
        assert.deepEqual(Buffer.from(cid.bytes), bytes)
        assert.equal(cidText(cid), text)
      }
    })
  }

  for (const { name, code, text, binary = '' } of refused) {
    test(`${name} is ${code}`, () => {
      assert.throws(() => parseCid(text ?? vectorBytes(binary)), hasCode(code))
    })
  }
})

interface Body extends Named, ByteRange {
  readonly cid: string
  readonly body: Bytes
}

interface ValidBody extends Body {
  readonly total_len: number
  readonly blocks: number
  readonly plain: Bytes
}

interface InvalidBody extends Body {
  readonly code: string
  readonly blame: 'provider' | 'content' | 'caller'
  readonly proved: number
}

/** Pieces that a body may come in; the first is all of it. */
const STEPS = [Infinity, 1, 61, 4096] as const

describe('bodies of the dag form', () => {
  const { valid, invalid } = JSON.parse(read('vectors/storage-dags.json')) as {
    readonly valid: readonly ValidBody[]
    readonly invalid: readonly InvalidBody[]
  }

  test('have names of their own', () => {
    names(valid)
    names(invalid)
  })

  for (const { name, cid, offset, length, total_len, blocks, body, plain } of valid) {
    test(`${name} proves its bytes, and is what we send`, async () => {
      const bytes = vectorBytes(body)
      const root = parseCid(cid)
      const found = new Map<string, Uint8Array>()
      for (const step of bytes.length > 1000 ? STEPS.filter(n => n !== 1) : STEPS) {
        const verifier = dagVerifier({ cid: root, offset, length, sha256 })
        const parts: Uint8Array[] = []
        let count = 0
        for (const piece of cut(bytes, step)) {
          for (const block of verifier.push(piece)) {
            count++
            parts.push(...block.plain)
            found.set(cidText(block.cid), Buffer.concat(block.block))
          }
        }
        verifier.end()
        assert.ok(Buffer.concat(parts).equals(vectorBytes(plain)))
        assert.equal(verifier.totalLength, total_len)
        assert.equal(count, blocks)
      }

      const sent: Uint8Array[] = []
      const walk = dagWalk({ cid: root, offset, length, blocks: id => found.get(cidText(id)) })
      for await (const chunk of framedBlocks(walk)) sent.push(chunk)
      assert.ok(Buffer.concat(sent).equals(bytes))
      assert.ok(sent.every(chunk => chunk.length <= STORAGE_LIMITS.chunkBytes))
    })
  }

  for (const { name, cid, offset, length, code, blame, proved, body } of invalid) {
    test(`${name} is ${code}, and the ${blame} to blame`, () => {
      const bytes = vectorBytes(body)
      for (const step of bytes.length > 1000 ? STEPS.filter(n => n !== 1) : STEPS) {
        const verifier = dagVerifier({ cid: parseCid(cid), offset, length, sha256 })
        const { error, count } = failure(verifier, cut(bytes, step))

        assert.ok(error instanceof OapError, String(error))
        assert.equal(error.code, code)
        assert.equal(count, proved)
        assert.equal(verifier.offset, (offset ?? 0) + proved)
        assert.equal(isProviderFault(error), blame === 'provider')
        assert.equal(isContentFault(error), blame === 'content')
        assert.throws(() => verifier.push(Uint8Array.of(0)), hasCode(code))
      }
    })
  }

  test('show every fault that a body can have', () => {
    const codes = new Set(invalid.map(({ code }) => code))

    assert.deepEqual(
      [...codes].sort(),
      'bad_block bad_lengths bad_node bad_range block_oversize dag_cut dag_surplus too_deep'.split(' ')
    )
  })
})

function* cut(bytes: Uint8Array, step: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}

/** What a verifier throws, and how many plain bytes it had proved. */
function failure(verifier: DagVerifier, pieces: Iterable<Uint8Array>): { error: unknown; count: number } {
  let count = 0
  const take = (blocks: ReturnType<DagVerifier['takeProved']>): void => {
    for (const { plain } of blocks) for (const { length } of plain) count += length
  }
  try {
    for (const piece of pieces) take(verifier.push(piece))
    verifier.end()
    return { error: undefined, count }
  } catch (error) {
    take(verifier.takeProved())
    return { error, count }
  }
}

interface RequestVector extends Named {
  readonly payload: Bytes
  readonly op: string
  readonly accept: boolean
  readonly members?: Record<string, unknown>
  readonly reason?: string
  readonly status?: number
  readonly code?: string
}

describe('requests of storage', () => {
  const { requests } = JSON.parse(read('vectors/storage-requests.json')) as {
    readonly requests: readonly RequestVector[]
  }
  const decoded = ({ payload, op }: RequestVector): unknown => {
    const { header, body } = decodePayload(vectorBytes(payload))
    assert.equal(header['op'], op)
    const row = storageService.operations[op as keyof typeof storageService.operations] as Operation
    const { body: _body, ...members } = row.request.decode(header, body) as Record<string, unknown>
    return members
  }

  test('have names of their own, and every operation some', () => {
    names(requests)
    const ops = new Set(requests.map(({ op }) => op))
    assert.deepEqual([...ops].sort(), Object.keys(storageService.operations).sort())
  })

  for (const vector of requests) {
    test(`${vector.name}: ${vector.about}`, () => {
      if (vector.accept) {
        const members = decoded(vector)
        if (vector.members !== undefined) assert.deepEqual(members, vector.members)
        return
      }
      assert.throws(
        () => decoded(vector),
        error => {
          assert.ok(error instanceof OapError)
          assert.deepEqual(
            [error.counted, error.status, error.code],
            [vector.reason, vector.status, vector.code]
          )
          return true
        }
      )
    })
  }
})

describe('storage.md', () => {
  const text = read('storage.md')
  const section = (heading: string): string => text.split(`## ${heading}`)[1]!.split('\n## ')[0]!
  const cells = (of: string): string[][] =>
    Array.from(of.matchAll(/^\| (?!-|code |name |op )(.*) \|$/gm), ([, line = '']) =>
      line.split('|').map(cell => cell.trim().replaceAll('`', ''))
    )

  test('has the operations of the table, with their verbs and forms', () => {
    const told = cells(section('3. Operations').split('###')[0]!)

    assert.deepEqual(
      told,
      Object.entries(storageService.operations).map(([op, row]: [string, Operation]) => [
        op,
        row.verb,
        'header',
        row.upload === true ? 'in' : row.kind === 'streamed' ? 'out' : 'none',
        row.kind === 'subscription' ? 'events' : row.answer.form
      ])
    )
  })

  test('has the numbers of the code', () => {
    const told = cells(section('9. Numbers'))
      .filter(([, , who]) => who === 'fixed')
      .map(([name = '', value]) => [name.replace(/_./g, part => part[1]!.toUpperCase()), Number(value)])

    const { chunkBytes, ...limits } = STORAGE_LIMITS
    assert.equal(chunkBytes, 65_536)
    assert.deepEqual(Object.fromEntries(told), limits)
  })

  test('has a reason of oap-1.md with its status for each of its codes', () => {
    const told = cells(section('7. Errors'))

    assert.ok(told.length >= 14)
    for (const [code, reason, status] of told) {
      assert.equal(ERRORS[reason as ErrorCode].status, Number(status), code)
    }
  })
})
