import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { emptyBook, learnDelegation, learnKeyRevocation } from '../delegation-book.ts'
import { revokeKey } from '../key-revocation.ts'
import { keyRecordLine } from '../key-record.ts'
import { signBytes } from '../ed25519.ts'
import { SNAPSHOTS } from './numbers.ts'
import { type Files, authorityRefusal, openSnapshot } from './opening.ts'
import { formatPackage, parsePackage } from './package.ts'
import { sealOf, sealedItem } from './seal.ts'
import {
  HUB,
  KEY,
  NOW_S,
  delegation,
  hubKey,
  isSealed,
  sealed,
  snapshotKey,
  withFiles
} from './snapshots.fixture.ts'

const whole = sealed()
const book = learnDelegation(emptyBook(HUB), delegation) as { book: ReturnType<typeof emptyBook> }

const why = (files: Files): string => {
  const opened = openSnapshot(files, isSealed)
  return 'why' in opened ? opened.why : 'whole'
}
const opened = (files: Files = whole.files) => {
  const found = openSnapshot(files, isSealed)
  if ('why' in found) throw new Error(found.why)
  return found.value
}

/** The files with a seal of their own over them, by the right key: what a hub itself could sign. */
function resealed(files: Files, names = [...files.keys()]): Files {
  const items = names
    .filter(path => !path.startsWith('sha256.json'))
    .map(path => sealedItem(path, files.get(path) ?? Buffer.alloc(0)))
  const text = sealOf('omnigate/snapshot/1', NOW_S, items).text
  const signature = Buffer.from(signBytes(snapshotKey, Buffer.from(text))).toString('base64')
  return withFiles(files, { 'sha256.json': text, 'sha256.json.minisig': signature })
}

test('opens what was sealed, as the word of the hub that delegated the key', () => {
  const { snapshot, sha256, seal } = opened()

  assert.equal(sha256, whole.sha256)
  assert.equal(snapshot.statement.hub, HUB)
  assert.deepEqual(
    seal.items.map(({ path }) => path),
    ['keys.ndjson', 'snapshot.json']
  )
  assert.equal(authorityRefusal(opened(), book.book, NOW_S), undefined)
})

test('the file of keys that came along is enough to know whose word it is', () => {
  assert.equal(authorityRefusal(opened(), emptyBook(HUB), NOW_S), undefined)
  assert.equal(authorityRefusal(opened(sealed({}, {}).files), emptyBook(HUB), NOW_S)?.why, 'key')
})

test('names a file that was changed, is missing, or is not listed', () => {
  assert.equal(why(withFiles(whole.files, { 'keys.ndjson': 'other\n' })), 'changed')
  assert.equal(why(withFiles(whole.files, { 'snapshot.json': undefined })), 'missing')
  assert.equal(why(withFiles(whole.files, { 'sha256.json': undefined })), 'missing')
  assert.equal(why(withFiles(whole.files, { 'sha256.json.minisig': undefined })), 'missing')
  assert.equal(why(withFiles(whole.files, { 'more.txt': 'more' })), 'extra')
})

test('refuses a seal that another key signed, and a snapshot that does not name the files of its seal', () => {
  const other = withFiles(whole.files, { 'sha256.json.minisig': 'AAAA' })
  const more = resealed(withFiles(whole.files, { 'more.txt': 'more' }))
  const fewer = resealed(withFiles(whole.files, { 'keys.ndjson': undefined }))

  assert.equal(why(other), 'signature')
  assert.equal(why(more), 'manifest')
  assert.equal(why(fewer), 'manifest')
})

test('refuses a snapshot that its key did not sign', () => {
  const line = whole.files.get('snapshot.json')!
  const forged = Buffer.from(line).toString().replace('"policy_version":0', '"policy_version":9')
  const files = resealed(withFiles(whole.files, { 'snapshot.json': forged }))

  assert.equal(authorityRefusal(opened(files), book.book, NOW_S)?.why, 'signature')
})

test('refuses a snapshot of another hub, by a key nobody delegated, out of time, or revoked', () => {
  const revocation = revokeKey(hubKey, { at: NOW_S, hub: HUB, key: KEY, reason: '' })
  const revoked = learnKeyRevocation(book.book, revocation, NOW_S) as { book: ReturnType<typeof emptyBook> }
  const early = NOW_S - 5000
  const other = HUB.replace(/.$/, HUB.endsWith('a') ? 'q' : 'a')

  assert.equal(authorityRefusal(opened(), emptyBook(other), NOW_S)?.why, 'hub')
  assert.equal(authorityRefusal(opened(sealed({ epoch: 2 }).files), book.book, NOW_S)?.why, 'key')
  assert.equal(authorityRefusal(opened(sealed({ created: early }).files), book.book, NOW_S)?.why, 'time')
  assert.equal(authorityRefusal(opened(), revoked.book, NOW_S)?.why, 'revoked')
  assert.equal(authorityRefusal(opened(), revoked.book, NOW_S - 1), undefined)
})

test('a revocation that comes along with a snapshot holds against it', () => {
  const revocation = revokeKey(hubKey, { at: NOW_S, hub: HUB, key: KEY, reason: '' })
  const keys = [
    keyRecordLine({ kind: 'delegation', record: delegation }),
    keyRecordLine({ kind: 'key_revocation', record: revocation })
  ]
  const { files } = sealed({}, { 'keys.ndjson': `${keys.join('\n')}\n` })

  assert.equal(authorityRefusal(opened(files), emptyBook(HUB), NOW_S)?.why, 'revoked')
})

test('refuses forms that are none: half a first one, a number before its prev, an end before its beginning', () => {
  const wrong = [
    { prev: { seq: 0, sha256: 'ab'.repeat(32) } },
    { prev: { seq: 3, sha256: '00'.repeat(32) } },
    { prev: { seq: 7, sha256: 'ab'.repeat(32) } },
    { expires: NOW_S },
    { expires: NOW_S + SNAPSHOTS.mostValidS + 1 },
    { seq: 0 }
  ]
  for (const change of wrong) assert.equal(why(sealed(change).files), 'malformed', JSON.stringify(change))
})

test('refuses more files, or more bytes, than a snapshot has', () => {
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`f${n}`, 'x']))

  assert.equal(why(withFiles(whole.files, many)), 'too_large')
  assert.equal(why(withFiles(whole.files, { big: 'x'.repeat(SNAPSHOTS.packageBytes) })), 'too_large')
})

test('a package gives back the files, and stands for one folder alone', () => {
  const bytes = formatPackage(whole.files)
  const files = parsePackage(bytes)

  assert.ok('value' in files)
  assert.equal(why(files.value), 'whole')
  assert.deepEqual(formatPackage(files.value), bytes)
})

test('a package with a path out of its folder, with one twice, or in another writing is refused', () => {
  const packed = (text: string): string => {
    const read = parsePackage(Buffer.from(text))
    return 'why' in read ? read.why : 'whole'
  }
  const one = (path: string) => `{"files":{${JSON.stringify(path)}:"x"},"type":"omnigate/sealed/1"}\n`

  for (const path of ['..', '../x', '/x', 'a//b', '.hidden', 'a\\b', 'naïve', 'a/', ''])
    assert.equal(packed(one(path)), 'path', path)
  assert.equal(packed('{"files":{"a":"x","a":"y"},"type":"omnigate/sealed/1"}\n'), 'malformed')
  assert.equal(packed('{"files":{"a":1},"type":"omnigate/sealed/1"}\n'), 'malformed')
  assert.equal(packed(one('a').replace('1"}', '2"}')), 'malformed')
  assert.equal(packed(` ${one('a')}`), 'malformed')
  assert.equal(packed('x'.repeat(SNAPSHOTS.packageBytes + 1)), 'too_large')
})

test('hostile bytes in any place are refused by name and throw nothing', () => {
  const bytes = Buffer.from(formatPackage(whole.files))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const hostile = Buffer.from(bytes)
      hostile[at] = value
      const files = parsePackage(hostile)
      if ('why' in files) return
      const found = openSnapshot(files.value, isSealed)
      if ('why' in found) return
      const isSame = hostile.equals(bytes)
      assert.ok(isSame || authorityRefusal(found.value, book.book, NOW_S) !== undefined)
    }),
    // An end of the signature that decodes to the same bytes.
    { numRuns: 400, examples: [[bytes.indexOf('=","snapshot.json'), 0x20]] }
  )
})
