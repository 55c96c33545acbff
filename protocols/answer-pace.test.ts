import assert from 'node:assert/strict'
import test from 'node:test'
import { AnswerPace } from './answer-pace.ts'
import type { FrameWriter } from './frame-writer.ts'
import { plainPlatform } from './platform.ts'
import type { Platform } from './platform.ts'

class FreeWriter {
  isGathering = false
  sent = 0
  pressure(): undefined {}
  gather(): boolean {
    const isFirst = !this.isGathering
    this.isGathering = true
    return isFirst
  }
  sendGathered(): void {
    this.isGathering = false
    this.sent++
  }
}

function turns(): { readonly platform: Platform; readonly next: () => Promise<void> } {
  let due: (() => void)[] = []
  return {
    platform: { ...plainPlatform, afterTurn: run => void due.push(run) },
    async next() {
      const now = due
      due = []
      for (const run of now) run()
      await new Promise<void>(resolve => setImmediate(resolve))
    }
  }
}

async function answer(platform: Platform, frames: number, told: () => void): Promise<void> {
  const pace = new AnswerPace(new FreeWriter() as unknown as FrameWriter, platform)
  for (let i = 0; i < frames; i++) {
    told()
    await pace.sent(50)
  }
}

test('an answer that is always ready stops after its share until the next turn', async () => {
  const { platform, next } = turns()
  let sent = 0
  void answer(platform, 100, () => sent++)
  await new Promise<void>(resolve => setImmediate(resolve))
  const first = sent

  await next()

  assert.equal(first, 16)
  assert.equal(sent, 32)
})

test('many answers go on a few a turn, each in its order', async () => {
  const { platform, next } = turns()
  const sent = Array.from({ length: 12 }, () => 0)
  sent.forEach((_, i) => void answer(platform, 100, () => sent[i]!++))
  await new Promise<void>(resolve => setImmediate(resolve))
  const before = [...sent]

  await next()
  await next()
  await next()

  assert.ok(before.every(frames => frames === 16))
  assert.ok(
    sent.every(frames => frames === 32),
    JSON.stringify(sent)
  )
})

test('the frames of one turn are sent when it is over', async () => {
  const { platform, next } = turns()
  const writer = new FreeWriter()
  const pace = new AnswerPace(writer as unknown as FrameWriter, platform)

  await pace.sent(10)
  await pace.sent(10)
  const during = writer.isGathering
  await next()

  assert.equal(during, true)
  assert.equal(writer.isGathering, false)
})

test('many answers on one stream, some going on in each turn, still send in every turn', async () => {
  const { platform, next } = turns()
  const writer = new FreeWriter()
  const go = async () => {
    const pace = new AnswerPace(writer as unknown as FrameWriter, platform)
    for (let i = 0; i < 100; i++) await pace.sent(50)
  }
  for (let i = 0; i < 40; i++) void go()
  await new Promise<void>(resolve => setImmediate(resolve))

  for (let i = 0; i < 10; i++) await next()

  assert.equal(writer.sent, 10)
})
