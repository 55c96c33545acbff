import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { partFile } from './part-file.ts'

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

  void test('is gone on with where it broke off, but for its last MiB', async t => {
    const path = file(t)
    const bytes = randomBytes(5 * MIB)
    {
      await using part = await partFile(path, CID)
      await part.write(bytes.subarray(0, 3 * MIB + 5))
    }

    await using part = await partFile(path, CID)
    assert.equal(part.offset, 2 * MIB)
    await part.write(bytes.subarray(part.offset))
    await part.commit()

    assert.ok(readFileSync(path).equals(bytes))
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
