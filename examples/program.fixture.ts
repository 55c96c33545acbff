import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const WAIT_MS = 30_000

const { RON_CAP: _cap, OMNIGATE_CLIENT_KEY: _key, ...env } = process.env

/** A program of an example, with what it has printed. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams
  readonly end: Promise<unknown[]>
  printed = ''

  /** `cwd` is the example's folder unless it is given. */
  constructor(
    t: TestContext,
    example: string,
    words: readonly string[],
    url: string,
    cwd: string = folderOf(example)
  ) {
    this.child = spawn(process.execPath, words, { cwd, env: { ...env, RON_NODE_URL: url } })
    const hear = (piece: Buffer): void => void (this.printed += piece.toString())
    this.child.stdout.on('data', hear)
    this.child.stderr.on('data', hear)
    this.end = once(this.child, 'close')
    t.after(() => this.child.kill('SIGKILL'))
  }

  says(what: RegExp): Promise<void> {
    return this.until(() => what.test(this.printed))
  }

  /** Resolves when `holds` does after this program, or `other`, has printed something. */
  async until(holds: () => boolean, other: Program = this): Promise<void> {
    const late = AbortSignal.timeout(WAIT_MS)
    const outputs = [this, other].flatMap(({ child }) => [child.stdout, child.stderr])
    while (!holds()) {
      const ended = this.end.then(() => assert.fail(`it ended: ${this.printed}`))
      ended.catch(() => undefined)
      const heard = new AbortController()
      const signal = AbortSignal.any([late, heard.signal])
      await Promise.race([...outputs.map(output => once(output, 'data', { signal })), ended])
      heard.abort()
    }
  }

  async interrupted(): Promise<number | null> {
    this.child.kill('SIGINT')
    return (await this.end)[0] as number | null
  }
}

export async function textOf(program: Program): Promise<string> {
  await program.end
  return program.printed
}

export const folderOf = (example: string): string => fileURLToPath(new URL(`${example}/`, import.meta.url))
