import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { begins, matches } from './match.ts'
import { parsePage } from './page.ts'
import type { Step } from './page.ts'
import { shell, shellEnv } from './shell.ts'
import type { Place } from './shell.ts'
import { SURROUNDINGS } from './surroundings.ts'

const STEP_MS = 60_000

/**
 * Runs the commands of a page one after another in a folder of its own; throws at the first that does something else.
 * Pages may share the folder `cache` for compiled code. A command that takes longer than `stepMs` is ended.
 */
export async function runPage(
  markdown: string,
  { cache, stepMs = STEP_MS }: { readonly cache: string; readonly stepMs?: number }
): Promise<void> {
  const { needs, steps } = parsePage(markdown)
  assert.ok(steps.length > 0, 'the page has no command in a console block')
  await using stack = new AsyncDisposableStack()
  const top = await mkdtemp(join(tmpdir(), 'omnigate-page-'))
  stack.defer(() => rm(top, { recursive: true, force: true }))
  const folder = join(top, 'work')
  await mkdir(folder)
  const programs = await shellEnv(join(top, 'bin'), cache)
  // A page that makes a client key makes it here and not where the user has one.
  let place: Place = { folder, env: { ...programs, XDG_CONFIG_HOME: join(top, 'config') } }
  for (const need of needs) {
    const make = SURROUNDINGS[need]
    assert.ok(make, `<!-- needs: ${need} -->: there is no such surrounding`)
    const { env, close } = await make(place)
    stack.defer(close)
    place = { folder, env: { ...place.env, ...env } }
  }
  for (const step of steps) await runStep(step, place, stepMs)
}

async function runStep(
  { line, command, output, interruptedAfter, exitCode }: Step,
  place: Place,
  withinMs: number
): Promise<void> {
  const child = shell(place, interruptedAfter === undefined ? command : `exec ${command}`, { ownGroup: true })
  let stdout = ''
  let stderr = ''
  let isInterrupted = false
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString()
    if (interruptedAfter === undefined || isInterrupted) return
    isInterrupted = begins(output.slice(0, interruptedAfter), stdout)
    if (isInterrupted) child.kill('SIGINT')
  })
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  // With what it left in the background, which has its output open.
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), withinMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  const shown = `line ${line}: $ ${command}\n${stdout}${stderr}`
  assert.equal(signal, null, `${shown}ended by ${signal}`)
  assert.equal(code, exitCode, `${shown}[exit ${code}], the page says [exit ${exitCode}]`)
  assert.ok(matches(output, stdout + stderr), `${shown}\nis not what the page says:\n${output.join('\n')}`)
  assert.ok(!/^ {4}at .*:\d+:\d+/m.test(stderr), `${shown}\nprints a stack trace`)
}
