import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remembered } from './remembered.ts'

function counted(most: number) {
  const asked: string[] = []
  const find = remembered(most, text => {
    asked.push(text)
    return text.startsWith('no') ? undefined : { text }
  })
  return { find, asked }
}

test('finds once what it is asked for again, and gives every text its own', () => {
  const { find, asked } = counted(2)

  assert.deepEqual([find('a'), find('b'), find('a')], [{ text: 'a' }, { text: 'b' }, { text: 'a' }])
  assert.deepEqual(asked, ['a', 'b'])
})

test('keeps no more than it may: the oldest gives way', () => {
  const { find, asked } = counted(2)
  for (const text of ['a', 'b', 'c', 'b', 'c', 'a']) assert.deepEqual(find(text), { text })

  assert.deepEqual(asked, ['a', 'b', 'c', 'a'])
})

test('does not keep that there is nothing, so that wrong texts push nothing out', () => {
  const { find, asked } = counted(1)
  find('a')

  assert.deepEqual([find('no 1'), find('no 1'), find('a')], [undefined, undefined, { text: 'a' }])
  assert.deepEqual(asked, ['a', 'no 1', 'no 1'])
})
