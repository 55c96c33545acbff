import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const WRONG: readonly (readonly [program: string, args: readonly string[], line: RegExp])[] = [
  ['./dht/run.ts', ['--wrong'], /^Unknown option '--wrong'/],
  ['./oracle/run.ts', ['--wrong'], /^Unknown option '--wrong'/],
  ['./oracle/run.ts', ['--requests', '3'], /^--requests 3: give a whole number from 100 to 1000000$/],
  ['./oracle/run.ts', ['--only', 'all'], /^--only all: one of /],
  ['./redteam/run.ts', ['--wrong'], /^Unknown option '--wrong'/],
  ['./redteam/run.ts', ['--load', 'none'], /^--load none: one of strangers, /],
  ['./redteam/run.ts', ['--case', 'none of them'], /^--case none of them: no case /],
  ['./revocation/run.ts', ['--hubs', '1'], /^--hubs 1: give a whole number from 2 to 200$/],
  ['./revocation/run.ts', ['--rounds', 'x'], /^--rounds x: give a whole number /],
  ['./federation/run.ts', ['--wrong'], /^Unknown option '--wrong'/],
  ['./federation/run.ts', ['--hubs', '3,x'], /^--hubs x: give a whole number from 2 to 20$/],
  ['./federation/run.ts', ['--minutes', '0'], /^--minutes 0: give a whole number /],
  ['./directed/run.ts', ['--kills', 'x'], /^--kills x: give a whole number$/]
]

for (const [program, args, line] of WRONG)
  test(`${program} ${args.join(' ')} ends with 64 and one line`, () => {
    assert.throws(
      () => execFileSync(process.execPath, [at(program), ...args], { stdio: 'pipe', timeout: 60_000 }),
      (error: { readonly status: number; readonly stderr: Buffer; readonly stdout: Buffer }) => {
        const lines = String(error.stderr).trimEnd().split('\n')
        assert.deepEqual(
          [error.status, lines.length, String(error.stdout)],
          [64, 1, ''],
          String(error.stderr)
        )
        assert.match(lines[0]!, line)
        return true
      }
    )
  })
