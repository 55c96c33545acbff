import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { askSecret } from './ask-secret.ts'
import { EXIT } from './exit-codes.ts'

class Screen extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

test('gives the line that was typed, and shows only the question', async () => {
  const [input, output] = [new PassThrough(), new Screen()]

  const asked = askSecret('Password: ', { input, output })
  input.write('correct hxorse')
  input.write('\u001b[D'.repeat(4))
  input.write('\u007f')
  input.write('\u001b[C'.repeat(4))
  input.write('\r')

  assert.equal(await asked, 'correct horse')
  assert.equal(output.text, 'Password: \n')
})

test('takes the second of two lines for the second question', async () => {
  const [input, output] = [new PassThrough(), new Screen()]

  const first = askSecret('One: ', { input, output })
  input.write('a\r')
  await first
  const second = askSecret('Two: ', { input, output })
  input.write('b\r')

  assert.deepEqual([await first, await second], ['a', 'b'])
})

test('Ctrl-C ends it as interrupted, and an end of the terminal as nothing typed', async () => {
  const [input, output] = [new PassThrough(), new Screen()]
  const interrupted = askSecret('Password: ', { input, output })
  input.write('half\u0003')
  await assert.rejects(interrupted, { exitCode: EXIT.interrupted })

  const ended = new PassThrough()
  const unanswered = askSecret('Password: ', { input: ended, output })
  ended.end()
  await assert.rejects(unanswered, { exitCode: EXIT.usage, message: /no password was typed/ })
})
