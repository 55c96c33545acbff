import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { publicBytes, signingKey } from '../ed25519.ts'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'
import {
  NoteError,
  formatVerifierKey,
  noteKey,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote
} from './signed-note.ts'

interface Vectors {
  readonly notes: readonly {
    readonly about: string
    readonly verifier_key: string
    readonly seed?: string
    readonly note: string
    readonly text: string
  }[]
  readonly refused: readonly {
    readonly about: string
    readonly verifier_key: string
    readonly note: string
  }[]
  readonly checkpoints: readonly {
    readonly text: string
    readonly origin?: string
    readonly size?: number
    readonly root?: string
  }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/audit-notes.json', import.meta.url), 'utf8')
) as Vectors

describe('the vectors of signed notes', () => {
  for (const { about, verifier_key, seed, note, text } of vectors.notes) {
    test(about, () => {
      const key = parseVerifierKey(verifier_key)

      assert.equal(openNote(note, [key]), text)
      assert.equal(formatVerifierKey(noteKey(key.name, key.publicKey)), verifier_key)
      if (seed !== undefined)
        assert.equal(signNote(text, key.name, signingKey(Buffer.from(seed, 'hex'))), note)
    })
  }

  for (const { about, verifier_key, note } of vectors.refused) {
    test(`refuses ${about}`, () => {
      assert.throws(() => openNote(note, [parseVerifierKey(verifier_key)]), NoteError)
    })
  }

  for (const { text, origin, size, root } of vectors.checkpoints) {
    test(`${origin === undefined ? 'refuses' : 'reads'} the checkpoint ${JSON.stringify(text.slice(0, 40))}`, () => {
      if (origin === undefined) return assert.throws(() => parseCheckpoint(text), NoteError)
      const found = parseCheckpoint(text)
      assert.deepEqual({ ...found, root: Buffer.from(found.root).toString('hex') }, { origin, size, root })
    })
  }
})

describe('a note', () => {
  const key = signingKey(Buffer.alloc(32, 1))
  const note = signNote('one\n\ntwo\n', 'example.org/log', key)
  const known = noteKey('example.org/log', publicBytes(key))

  test('may hold empty lines and signatures of strangers', () => {
    const other = signNote('one\n\ntwo\n', 'example.org/other', signingKey(Buffer.alloc(32, 2)))
    const both = note + other.slice(other.lastIndexOf('\n\n') + 2)

    assert.equal(openNote(both, [known]), 'one\n\ntwo\n')
    assert.equal(parseNote(both).signatures.length, 2)
    assert.throws(() => openNote(other, [known]), /not signed by example.org\/log/)
  })

  test('is refused with any byte changed', () => {
    const bytes = Buffer.from(note)
    for (const at of bytes.keys()) {
      const copy = Buffer.from(bytes)
      copy[at] = copy[at]! ^ 1
      assert.throws(() => openNote(copy.toString(), [known]), NoteError, `byte ${at}`)
    }
  })

  test('has bounds', () => {
    const line = note.slice(note.lastIndexOf('\n\n') + 2)
    assert.throws(() => parseNote(`one\n\n${line.repeat(65)}`), /more than 64 signatures/)
    assert.throws(() => parseNote(`${'x'.repeat(70_000)}\n\n${line}`), /more than 65536 bytes/)
    assert.throws(() => signNote('no end', 'a', key), /ends with a line feed/)
    assert.throws(() => signNote('tab\t\n', 'a', key), /control characters/)
    assert.throws(() => signNote('a\n', 'a b', key), /not a key name/)
    assert.throws(() => signNote('a\n', 'a+b', key), /not a key name/)
    assert.throws(() => signNote('a\n', '', key), /not a key name/)
  })
})

test('a checkpoint is opened only under the name of its own log', () => {
  const key = signingKey(Buffer.alloc(32, 1))
  const head = { origin: 'example.org/a', size: 3, root: Buffer.alloc(32, 5) }
  const mine = noteKey('example.org/a', publicBytes(key))

  assert.deepEqual(openCheckpoint(signCheckpoint(head, key), mine).size, 3)
  const strange = signNote(formatCheckpoint({ ...head, origin: 'example.org/b' }), 'example.org/a', key)
  assert.throws(() => openCheckpoint(strange, mine), /of log example.org\/b/)
})
