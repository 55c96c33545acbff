import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { AuditLog, SetupError, openCheckpoint, parseEntry, parseVerifierKey, verifyAudit } from 'omnigate'
import { newLogFolder, scratchFolder } from './sample-log.ts'

const APPENDER = fileURLToPath(new URL('appender.ts', import.meta.url))
const KILLS = 12
const MOST_BEFORE_KILL = 900

interface Killed {
  /** Sequence and number of each entry that was acknowledged. */
  readonly acknowledged: ReadonlyMap<number, number>
  readonly checkpoint: string | undefined
}

/** Lets a process append, and kills it when it has acknowledged so many. */
async function killAfter(folder: string, count: number): Promise<Killed> {
  const child = spawn(process.execPath, [APPENDER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged = new Map<number, number>()
  const lines = createInterface(child.stdout)
  const ended = once(lines, 'close')
  lines.on('line', line => {
    const [seq, n] = line.split(' ').map(Number)
    // The kill may cut the last line.
    if (line.endsWith(' .') && seq !== undefined && n !== undefined) acknowledged.set(seq, n)
    if (acknowledged.size === count) child.kill('SIGKILL')
  })
  await ended
  await exited(child)
  assert.equal(child.signalCode, 'SIGKILL', 'the appender ended by itself')
  return { acknowledged, checkpoint: textOf(join(folder, 'checkpoint')) }
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

async function numbersIn(log: AuditLog): Promise<Map<number, number>> {
  const numbers = new Map<number, number>()
  for await (const lines of log.lines(0))
    for (const line of lines) {
      const { seq, type, data } = parseEntry(line)
      if (type === 'start') numbers.set(seq, Number(data['boot']))
    }
  return numbers
}

test('every acknowledged entry and every checkpoint is there after the process was killed, at any time', async t => {
  const folder = await newLogFolder(scratchFolder(t))
  const vkey = readFileSync(join(folder, 'log.vkey'), 'utf8').trim()
  const key = parseVerifierKey(vkey)
  const all = new Map<number, number>()
  for (let kill = 0; kill < KILLS; kill++) {
    const count = 1 + Math.floor(Math.random() * MOST_BEFORE_KILL)
    const { acknowledged, checkpoint } = await killAfter(folder, count)
    for (const [seq, n] of acknowledged) all.set(seq, n)

    await using log = await AuditLog.open(folder)

    const kept = await numbersIn(log)
    const lost = [...all].filter(([seq, n]) => kept.get(seq) !== n)
    assert.deepEqual(lost, [], `after ${count} acknowledged`)
    if (checkpoint !== undefined) assert.ok(openCheckpoint(checkpoint, key).size <= log.size)
    const given = checkpoint === undefined ? [] : [checkpoint]
    await log.checkpoint()
    const { ok, problem } = await verifyAudit(folder, vkey, { checkpoints: given })
    assert.ok(ok, problem?.message)
  }
  assert.ok(readdirSync(join(folder, 'segments')).length > 1)
})

test('a torn last line that a kill left is recorded once', async t => {
  const folder = await newLogFolder(scratchFolder(t))
  await killAfter(folder, 20)
  const segments = readdirSync(join(folder, 'segments')).sort()
  appendFileSync(join(folder, 'segments', segments.at(-1)!, 'entries.ndjson'), '{"actor":"no')

  for (let n = 0; n < 2; n++) {
    await using log = await AuditLog.open(folder)
    const types: string[] = []
    for await (const lines of log.lines(0)) types.push(...lines.map(line => parseEntry(line).type))
    assert.equal(types.filter(type => type === 'torn_tail').length, 1)
  }
})

test('two processes cannot open one log, and a killed one leaves it free', async t => {
  const folder = await newLogFolder(scratchFolder(t))
  const child = spawn(process.execPath, [APPENDER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')

  await assert.rejects(
    AuditLog.open(folder),
    (error: unknown) => error instanceof SetupError && error.reason === 'inUse'
  )
  child.stdout.resume()
  child.kill('SIGKILL')
  await exited(child)

  await (await AuditLog.open(folder)).close()
})
