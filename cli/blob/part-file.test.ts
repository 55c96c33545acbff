import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { STEP_BYTES, partFile } from './part-file.ts'

const MIB = 1_048_576
const CID = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'

void describe('a file that is being downloaded', () => {
  void test('has its name once it is whole, and no other then', async t => {
    const path = file(t)
    {
      await using part = await partFile(path, CID)
      await part.write(Buffer.from('one '))
      await part.write(Buffer.from('two'))
      assert.equal(existsSync(path), false)
      await part.commit()
      assert.equal(existsSync(part.path), false)
    }

    assert.equal(readFileSync(path, 'utf8'), 'one two')
    await assert.rejects(partFile(path, CID), { exitCode: 73 })
  })

  void test('is gone on with where it broke off, but for what a power cut may have damaged', async t => {
    const path = file(t)
    const bytes = randomBytes(2 * STEP_BYTES + 5)
    {
      await using part = await partFile(path, CID)
      await part.write(bytes.subarray(0, STEP_BYTES + 1))
    }

    await using part = await partFile(path, CID)
    assert.equal(part.offset, STEP_BYTES)
    await part.write(bytes.subarray(part.offset))
    await part.commit()

    assert.ok(readFileSync(path).equals(bytes))
  })

  void test('has nothing behind a step before all of the step would survive a power cut', async t => {
    const done: string[] = []
    const prototype = await handlePrototype(t)
    const { write, datasync } = prototype
    t.mock.method(prototype, 'write', async function (this: unknown, ...given: Parameters<Handle['write']>) {
      const [bytes, from, length, at] = given
      // As a disk that is getting full does.
      const some = Math.min(length, 7 * MIB)
      done.push(`${at} ${at + some}`)
      return Reflect.apply(write, this, [bytes, from, some, at])
    })
    t.mock.method(prototype, 'datasync', async function (this: unknown) {
      done.push('durable')
      return Reflect.apply(datasync, this, [])
    })
    const path = file(t)
    const bytes = randomBytes(STEP_BYTES + 10)

    await using part = await partFile(path, CID)
    await part.write(bytes.subarray(0, 9 * MIB))
    await part.write(bytes.subarray(9 * MIB))

    const [a, b, c] = [7 * MIB, 9 * MIB, STEP_BYTES]
    assert.deepEqual(done, [`0 ${a}`, `${a} ${b}`, `${b} ${c}`, 'durable', `${c} ${c + 10}`])
    await part.commit()
    assert.ok(readFileSync(path).equals(bytes))
  })

  void test('that ends with a step is not believed to be durable up to there', async t => {
    const path = file(t)
    {
      await using part = await partFile(path, CID)
      await part.write(randomBytes(STEP_BYTES))
    }

    await using part = await partFile(path, CID)

    assert.equal(part.offset, 0)
  })

  void test('is not that of another blob', async t => {
    const path = file(t)
    {
      await using part = await partFile(path, CID)
      await part.write(randomBytes(3 * MIB))
    }

    await using other = await partFile(path, CID.replace('4yeq', '4yea'))

    assert.equal(other.offset, 0)
  })

  void test('is written by one at a time, and by the next when that is done', async t => {
    const path = file(t)
    {
      await using part = await partFile(path, CID)
      await part.write(randomBytes(2 * STEP_BYTES))

      await assert.rejects(partFile(path, CID), {
        exitCode: 75,
        message: `${part.path} is in use by process ${process.pid}: stop it first`
      })
      await using other = await partFile(path, CID.replace('4yeq', '4yea'))
      assert.equal(other.offset, 0)
    }

    await using part = await partFile(path, CID)
    assert.equal(part.offset, STEP_BYTES)
  })

  void test('makes no folder that it would be in', async t => {
    const path = join(file(t), 'below', 'map.webp')

    await assert.rejects(partFile(path, CID), { exitCode: 66 })
    assert.equal(existsSync(dirname(path)), false)
  })

  void test('leaves no lock behind, whether it was whole, broke off or could not be begun', async t => {
    const path = file(t)
    const left = () => readdirSync(dirname(path)).filter(name => name.endsWith('.lock'))
    {
      await using _part = await partFile(path, CID)
      assert.equal(left().length, 1)
    }
    assert.deepEqual(left(), [])
    {
      await using part = await partFile(path, CID)
      await part.commit()
    }
    assert.deepEqual(left(), [])
    await assert.rejects(partFile(path, CID), { exitCode: 73 })

    assert.deepEqual(left(), [])
  })

  void test('does not take a name that somebody has by then', async t => {
    const path = file(t)
    await using part = await partFile(path, CID)
    await part.write(Buffer.from('one'))
    writeFileSync(path, 'mine')

    await assert.rejects(part.commit(), { exitCode: 73 })
    assert.equal(readFileSync(path, 'utf8'), 'mine')
  })
})

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-part-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'map.webp')
}

interface Handle {
  write: (
    this: unknown,
    bytes: Uint8Array,
    from: number,
    length: number,
    at: number
  ) => Promise<{ readonly bytesWritten: number }>
  datasync: (this: unknown) => Promise<void>
}

/** What all open files have in common. */
async function handlePrototype(t: TestContext): Promise<Handle> {
  const one = await open(file(t), 'w')
  await one.close()
  return Object.getPrototypeOf(one) as Handle
}
