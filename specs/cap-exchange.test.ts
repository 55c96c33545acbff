import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'

// Read by this file alone: the code that exchanges capabilities has tests of its own over the same data.
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

interface Line {
  readonly name: string
  readonly line: string
  readonly refusal?: string | null
  readonly signed?: { readonly utf8: string }
}
const text = read('federation-links.md')
const section = text.slice(text.indexOf('\n## 12.'), text.indexOf('\n## 13.'))
const { exchanges, heads } = JSON.parse(read('vectors/cap-exchange.json')) as {
  readonly exchanges: { readonly statements: readonly Line[] }
  readonly heads: { readonly lines: readonly Line[] }
}

/** An Ed25519 public key as DER has it, without the key. */
const DER = Buffer.from('302a300506032b6570032100', 'hex')

function fits(tag: string, { line }: Line): boolean {
  const { signature, statement } = JSON.parse(line) as {
    readonly signature: string
    readonly statement: Readonly<Record<string, unknown>>
  }
  const key = createPublicKey({
    key: Buffer.concat([DER, Buffer.from(String(statement['key']), 'hex')]),
    format: 'der',
    type: 'spki'
  })
  // What stands behind `statement` in a canonical line is its canonical JSON.
  const canonical = line.slice(line.indexOf('"statement":') + '"statement":'.length, -1)
  return verify(null, Buffer.from(`${tag}\n${canonical}`), key, Buffer.from(signature, 'base64'))
}

for (const [what, tag, lines] of [
  ['exchange', 'omnigate/cap-exchange/1', exchanges.statements],
  ['revocation head', 'omnigate/revocation-head/1', heads.lines]
] as const) {
  describe(`lines of the kind ${what}`, () => {
    test('have the tag of the text', () => {
      assert.match(text, new RegExp(`\\| ${what} +\\| \`${tag}\``))
    })

    for (const line of lines.filter(({ refusal }) => refusal !== 'malformed' && refusal !== 'form')) {
      test(`${line.name} is signed, or is refused for that`, () => {
        assert.equal(fits(tag, line), line.refusal !== 'signature')
        if (line.signed !== undefined) assert.ok(line.signed.utf8.startsWith(`${tag}\n`))
      })
    }
  })
}

test('every refusal of the vectors stands in the text', () => {
  const refusals = exchanges.statements.flatMap(({ refusal }) => refusal ?? [])
  assert.ok(new Set(refusals).size >= 13)
  for (const refusal of refusals) assert.ok(section.includes(`\`${refusal}\``), refusal)
})
