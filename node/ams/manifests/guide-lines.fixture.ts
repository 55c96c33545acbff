import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A block of a guide: a line for a shell, and the status that it is answered with; none for what prepares others. */
export interface GuideBlock {
  readonly line: string
  readonly status: number | undefined
}

/** The blocks of a guide, as a reader finds them. */
export function guideBlocks(markdown: string): readonly GuideBlock[] {
  const blocks = [...markdown.matchAll(/(?:^|\n)([^\n]*)\n\n```sh\n(.*?)\n```/gs)]
  return blocks.map(([, before = '', line = '']) => {
    const status = /\((\d{3})\):$/.exec(before)?.[1]
    return { line, status: status === undefined ? undefined : Number(status) }
  })
}

/** What came of a block: the status that curl tells of, and all that was printed. */
export interface Ran extends GuideBlock {
  readonly got: number | undefined
  readonly exitCode: number
  readonly printed: string
}

const MARK = '@@guide'

/** Runs the blocks one after another in one shell, in `folder`. curl is told nothing else than a reader would tell it. */
export async function runGuide(
  markdown: string,
  folder: string,
  env: Readonly<Record<string, string>>
): Promise<readonly Ran[]> {
  const blocks = guideBlocks(markdown)
  const home = join(folder, 'home')
  await mkdir(home, { recursive: true })
  await writeFile(
    join(home, '.curlrc'),
    `write-out = "%{stderr}${MARK}-status %{http_code}\\n"\nmax-time = 30\n`
  )
  const script = blocks.map(({ line }) => `${line}\nprintf '\\n${MARK}-end %s\\n' $?`).join('\n')
  const { PATH = '' } = process.env
  const child = spawn('/bin/sh', ['-c', `exec 2>&1\ncommand -v curl || exit 44\n${script}`], {
    cwd: folder,
    env: { PATH, CURL_HOME: home, HOME: home, NO_PROXY: '*', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let printed = ''
  child.stdout.on('data', (piece: Buffer) => (printed += piece.toString('latin1')))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.notEqual(code, 44, 'curl is missing: the lines of the guide cannot be run without it')
  const parts = printed.split(new RegExp(`\\n${MARK}-end `))
  return blocks.map((block, at) => {
    const text = parts[at] ?? ''
    const got = new RegExp(`${MARK}-status (\\d{3})`).exec(text)?.[1]
    return {
      ...block,
      printed: text,
      got: got === undefined ? undefined : Number(got),
      exitCode: Number.parseInt(parts[at + 1] ?? '-1', 10)
    }
  })
}

/** Fails naming the line that does something else than the guide says. */
export function assertGuide(ran: readonly Ran[]): void {
  for (const { line, status, got, exitCode, printed } of ran) {
    assert.equal(got, status, `${line}\n${printed}`)
    assert.equal(exitCode, 0, `${line}\n${printed}`)
    assert.equal(/\bcurl\b/.test(line), status !== undefined, line)
  }
}
