import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begins, matches } from './match.ts'
import { parsePage } from './page.ts'

test('a page line stands for itself, [..] for part of a line, ... for lines', () => {
  assert.ok(matches(['a.c', 'x[..]z', '...', 'end'], 'a.c\nxyz\n1\n2\nend\n'))
  assert.ok(matches(['...'], ''))
  assert.ok(!matches(['a.c'], 'abc\n'))
  assert.ok(!matches(['a'], 'a\nb\n'))
  assert.ok(!matches(['a', 'b'], 'a\n'))
  assert.ok(!matches(['x[..]z'], 'x\nz\n'))
})

test('many wildcards over many lines do not take long', { timeout: 60_000 }, () => {
  const expected = Array.from({ length: 20 }, () => ['...', 'a']).flat()

  assert.ok(!matches([...expected, 'end'], 'a\n'.repeat(2000)))
})

test('a beginning is one only once its last line is whole', () => {
  assert.ok(!begins(['a', 'b'], 'a\nb'))
  assert.ok(begins(['a', 'b'], 'a\nb\n'))
  assert.ok(begins(['a', 'b'], 'a\nb\nc'))
})

test('takes commands, output, Ctrl-C and exit codes from console blocks alone', () => {
  const page = parsePage(
    '<!-- needs: a b, c -->\n$ no\n```console\n$ one\nout\n^C\nmore\n[exit 3]\n\n$ two\n```\n```sh\n$ no\n```\n'
  )

  assert.deepEqual(page, {
    needs: ['a b', 'c'],
    steps: [
      { line: 4, command: 'one', output: ['out', 'more'], interruptedAfter: 1, exitCode: 3 },
      { line: 10, command: 'two', output: [], interruptedAfter: undefined, exitCode: 0 }
    ]
  })
})
