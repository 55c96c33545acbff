import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { EXIT } from '../exit-codes.ts'
import { describeFailure } from '../failure.ts'
import { Invocation } from '../invocation.ts'
import { processTerminal } from '../terminal.ts'
import { MAX_BODY_BYTES, bodySource } from './bodies.ts'

type Options = Readonly<Record<string, string>>

function folder(t: TestContext): (name: string, bytes?: Uint8Array) => string {
  const top = mkdtempSync(join(tmpdir(), 'omnigate-bodies-'))
  t.after(() => rmSync(top, { recursive: true }))
  return (name, bytes) => {
    const path = join(top, name)
    if (bytes !== undefined) writeFileSync(path, bytes)
    return path
  }
}

async function* input(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece)
}

/** The bodies of a send, as they would leave. */
async function bodies(options: Options, given: AsyncIterable<Uint8Array> = input()): Promise<Buffer[]> {
  const source = await bodySource(new Invocation(processTerminal, {}, options), given)
  if (source.kind === 'one') return [Buffer.from(source.body)]
  const list: Buffer[] = []
  for await (const line of source.lines) list.push(Buffer.from(line))
  return list
}

const refusal = (exit: number, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error)
  assert.match(error.message, says)
  assert.doesNotMatch(error.message, /\n/)
  assert.equal(describeFailure(error).exitCode, exit)
  return true
}

const texts = (list: readonly Buffer[]): string[] => list.map(body => body.toString())

test('a file is one message, of up to 983040 bytes', async t => {
  const file = folder(t)

  assert.deepEqual(await bodies({ file: file('empty', Buffer.alloc(0)) }), [Buffer.alloc(0)])
  const [most] = await bodies({ file: file('most', Buffer.alloc(MAX_BODY_BYTES)) })
  assert.equal(most!.length, 983_040)
  await assert.rejects(
    bodies({ file: file('more', Buffer.alloc(MAX_BODY_BYTES + 1)) }),
    refusal(EXIT.badInput, /more: 983041 bytes; a message holds at most 983040$/)
  )
})

test('standard input is one message with --file -, within the same bound', async () => {
  assert.deepEqual(texts(await bodies({ file: '-' }, input('one\n', 'two'))), ['one\ntwo'])
  assert.deepEqual(texts(await bodies({ file: '-' })), [''])
  await assert.rejects(
    bodies({ file: '-' }, input(Buffer.alloc(MAX_BODY_BYTES), 'x')),
    refusal(EXIT.badInput, /^standard input: more than 983040 bytes; a message holds at most 983040$/)
  )
})

for (const option of ['file', 'lines']) {
  test(`--${option} takes a file that is there, and no folder or pipe`, async t => {
    const file = folder(t)
    const pipe = file('pipe')
    execFileSync('mkfifo', [pipe])

    await assert.rejects(bodies({ [option]: file('.') }), refusal(EXIT.badInput, /: not a regular file; /))
    await assert.rejects(bodies({ [option]: pipe }), refusal(EXIT.badInput, /: not a regular file; /))
    await assert.rejects(
      bodies({ [option]: file('absent') }),
      refusal(EXIT.noInput, /absent: does not exist/)
    )
    await assert.rejects(
      bodies({ [option]: '' }),
      refusal(EXIT.usage, /^--\w+: give the path of a file, or -$/)
    )
  })
}

for (const option of ['file', 'lines']) {
  test(`--${option} - says what is wrong with a standard input that cannot be read`, async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one\n')
      throw Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR' })
    }

    await assert.rejects(bodies({ [option]: '-' }, broken()), refusal(EXIT.badInput, /^standard input: /))
  })
}

test('each line that is not empty is a message, wherever the pieces of the input end', async t => {
  const text = 'one\n\ntwo\r\nth\u2028ree\rand\n\r\nlast'
  const expected = ['one', 'two', 'th\u2028ree\rand', 'last']

  for (let at = 0; at < Buffer.from(text).length; at++) {
    const pieces = input(Buffer.from(text).subarray(0, at), Buffer.from(text).subarray(at))
    assert.deepEqual(texts(await bodies({ lines: '-' }, pieces)), expected, `${at}`)
  }
  assert.deepEqual(texts(await bodies({ lines: folder(t)('lines', Buffer.from(text)) })), expected)
})

test('who leaves the lines ends their input', async () => {
  const open = new PassThrough()
  open.write('one\ntwo\n')
  const source = await bodySource(new Invocation(processTerminal, {}, { lines: '-' }), open)
  assert.ok(source.kind === 'lines')

  for await (const line of source.lines) {
    assert.deepEqual(Buffer.from(line), Buffer.from('one'))
    break
  }

  assert.equal(open.destroyed, true)
})

test(
  'a send of lines that fails ends its process while the producer goes on',
  { timeout: 60_000 },
  async t => {
    const script = `
    const { bodySource } = await import(${JSON.stringify(new URL('bodies.ts', import.meta.url).href)})
    const { lines } = await bodySource({ option: name => (name === 'lines' ? '-' : undefined) })
    try {
      for await (const line of lines) throw new Error('not sent')
    } catch {
      process.exitCode = 1
    }`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['pipe', 'ignore', 'ignore']
    })
    t.after(() => child.kill('SIGKILL'))
    child.stdin.write('one\ntwo\n')

    const [code] = await once(child, 'exit')

    assert.equal(code, 1)
    child.stdin.end()
  }
)

test('lines are sent byte for byte, whether they are text or not', async () => {
  const line = Buffer.from([0xff, 0x00, 0xc3, 0x28])

  assert.deepEqual(await bodies({ lines: '-' }, input(line, '\n')), [line])
})

test('an input without lines is none, and no error', async () => {
  assert.deepEqual(await bodies({ lines: '-' }), [])
  assert.deepEqual(await bodies({ lines: '-' }, input('\n\r\n')), [])
})

test('a line may have 983040 bytes; one that never ends is refused with its number and not kept', async () => {
  const most = Buffer.alloc(MAX_BODY_BYTES, 'é')
  let pieces = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one\n')
    for (; pieces < 1000; pieces++) yield Buffer.alloc(65_536, 'é')
  }

  assert.deepEqual(await bodies({ lines: '-' }, input(most, '\r', '\n')), [most])
  const says = /^standard input, line \d: more than 983040 bytes, which is what a message holds at most$/
  for (const wrong of [endless(), input(most, 'x\n'), input('\n', most, 'x')])
    await assert.rejects(bodies({ lines: '-' }, wrong), refusal(EXIT.badInput, says))
  assert.ok(pieces <= 16)
})
