import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { goIsMissing } from '../go-build.ts'
import { askOracle, buildAuditOracle } from './audit-oracle.ts'
import { scratchFolder } from './sample-log.ts'

interface Cosigned {
  readonly about: string
  readonly time: number
  readonly text: string
  readonly line: string
  readonly vkey: string
}

const { cosignatures } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-witness.json', import.meta.url), 'utf8')
) as { readonly cosignatures: readonly Cosigned[] }

describe('github.com/transparency-dev/formats', { skip: goIsMissing() ?? false }, () => {
  before(buildAuditOracle)

  for (const { about, time, text, line, vkey } of cosignatures) {
    test(`opens ${about} by the key of our witness, and reads when it signed`, t => {
      const file = join(scratchFolder(t), 'note')
      writeFileSync(file, `${text}\n${line}`)

      assert.deepEqual(askOracle(['cosigned', file, vkey, '']), { text, at: time, is_logs: false })
    })

    test(`does not open ${about} with another text, time or key`, t => {
      const file = join(scratchFolder(t), 'note')
      const other = cosignatures.find(one => one.time !== time)!
      const refused = (note: string) => {
        writeFileSync(file, note)
        assert.throws(() => askOracle(['cosigned', file, vkey, '']), /the audit oracle/)
      }
      refused(`${other.text}\n${line}`)
      refused(`${text}\n${other.line}`)
      refused(`${text}\n${line.replace('/witness ', '/another ')}`)
    })
  }
})
