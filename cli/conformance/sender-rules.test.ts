import assert from 'node:assert/strict'
import test from 'node:test'
import { decodeFrame, vectorFrame } from '../../specs/index.ts'
import type { VectorFrame } from '../../specs/index.ts'
import { senderFault } from './sender-rules.ts'

const fault = (frame: Omit<VectorFrame, 'corr_id'>): string | undefined => {
  const bytes = vectorFrame({ corr_id: '0000000000000001', ...frame })
  const decoded = decodeFrame(bytes)
  assert.ok(decoded.outcome === 'frame')
  return senderFault(bytes, decoded.frame)
}

const CHUNK = { repeat: { hex: '61', count: 65_536 } }

for (const [what, frame] of [
  ['a chunk of 65,536 bytes', { flags: ['RESP', 'START'], payload: CHUNK }],
  ['a long event', { flags: ['EVENT'], payload: [CHUNK, '61'] }],
  ['a success of 204', { flags: ['RESP', 'START', 'END'], code: 204 }],
  ['an error', { flags: ['RESP', 'END'], code: 404 }]
] as const) {
  test(`finds nothing wrong with ${what}`, () => assert.equal(fault(frame), undefined))
}

for (const [what, frame, words] of [
  ['a reserved bit', { flags: ['RESP', 'END'], reserved_flags: 0x0100 }, /reserved/],
  ['the last reserved bit', { flags: ['RESP', 'END'], reserved_flags: 0x8000 }, /reserved/],
  ['two kinds', { flags: ['RESP', 'EVENT'] }, /kind/],
  ['no kind', { flags: ['END'] }, /kind/],
  ['a request', { flags: ['REQ', 'START', 'END'] }, /REQ/],
  ['an event with a code', { flags: ['EVENT'], code: 200 }, /code on EVENT/],
  ['an event with START', { flags: ['EVENT', 'START'] }, /EVENT/],
  ['an event with END', { flags: ['EVENT', 'END'] }, /EVENT/],
  ['an error without END', { flags: ['RESP'], code: 500 }, /without RESP and END/],
  ['an error with START', { flags: ['RESP', 'START', 'END'], code: 500 }, /START/],
  ['a chunk of 65,537 bytes', { flags: ['RESP'], payload: [CHUNK, '61'] }, /65,536/]
] as const) {
  test(`says what is wrong with ${what}`, () => assert.match(fault(frame) ?? '', words))
}
