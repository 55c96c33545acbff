import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { StrangerTurns } from './stranger-turns.ts'

/** A socket whose input is written into it, read by a listener that notes what comes. */
class Paced {
  readonly input = new PassThrough()
  isStranger = true
  mayRead = true
  spentMs = 0
  onData = (): void => undefined
  readonly #log: string[]

  constructor(name: string, log: string[]) {
    this.#log = log
    this.input.on('data', (data: Buffer) => {
      this.#log.push(`${name}${data.toString()}`)
      this.onData()
    })
    this.input.on('end', () => this.#log.push(`${name}.`))
  }

  send(text: string): void {
    this.input.write(text)
  }
}

function paced(names: string, now?: () => number) {
  const turns = new StrangerTurns(now)
  const log: string[] = []
  const strangers = Array.from(names, name => new Paced(name, log))
  for (const one of strangers) assert.equal(pace(turns, one), true)
  return { turns, log, strangers }
}

const pace = (turns: StrangerTurns, one: Paced): boolean =>
  turns.pace(one.input as unknown as Socket, {
    isStranger: () => one.isStranger,
    mayRead: () => one.mayRead,
    spend: ms => (one.spentMs += ms)
  })

/** Until everything that was sent has been read from the streams, and some turns more. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

describe('what strangers send', () => {
  test('is taken one piece a turn, and a known peer comes between', async () => {
    const { log, strangers } = paced('abcK')
    const [a, b, c, known] = strangers as [Paced, Paced, Paced, Paced]
    known.isStranger = false
    for (const one of [a, b, c]) one.send('1')
    await turn()
    const soFar = log.length

    known.send('1')
    await turns(6)

    assert.ok(soFar <= 1, log.join(' '))
    assert.ok(log.indexOf('K1') < 2, log.join(' '))
    assert.deepEqual(
      log.filter(entry => entry !== 'K1'),
      ['a1', 'b1', 'c1']
    )
  })

  test('stays in order, also once its sender is known, and its end comes last', async () => {
    const { log, strangers } = paced('ab')
    const [a, b] = strangers as [Paced, Paced]
    a.send('1')
    b.send('1')
    b.send('2')
    b.input.end('3')
    b.isStranger = false

    await turns(12)

    assert.deepEqual(log, ['a1', 'b1', 'b2', 'b3', 'b.'])
  })

  test('is not read while a piece of it waits, nor while its reader has paused it', async () => {
    const { strangers } = paced('ab')
    const [a, b] = strangers as [Paced, Paced]
    a.mayRead = false
    a.send('1')
    b.send('1')
    while (!a.input.isPaused() || !b.input.isPaused()) await turn()

    await turns(6)

    assert.equal(a.input.isPaused(), true)
    assert.equal(b.input.isPaused(), false)
  })

  test('is dropped when its connection has closed meanwhile', async () => {
    const { log, strangers } = paced('ab')
    const [a, b] = strangers as [Paced, Paced]
    a.send('1')
    b.send('1')
    while (!b.input.isPaused()) await turn()
    b.input.destroy()

    await turns(6)

    assert.deepEqual(log, ['a1'])
  })

  test('is charged with the time until all that follows at once is done', async () => {
    let now = 0
    const { strangers } = paced('ab', () => now)
    const [a, b] = strangers as [Paced, Paced]
    a.onData = () => {
      now += 5
      void Promise.resolve()
        .then(() => undefined)
        .then(() => (now += 7))
    }
    a.send('1')
    b.send('1')

    await turns(8)

    assert.deepEqual([a.spentMs, b.spentMs], [12, 0])
  })

  test('of a socket without a reader, or with two, is left alone', () => {
    const alone = new StrangerTurns()
    const none = new Paced('a', [])
    none.input.removeAllListeners('data')
    const two = new Paced('b', [])
    two.input.on('data', () => undefined)

    assert.deepEqual([pace(alone, none), pace(alone, two)], [false, false])
  })
})
