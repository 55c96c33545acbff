import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const GO_BINARY = fileURLToPath(new URL('../.cache/go-oracle', import.meta.url))
const GO_PATH = [process.env['PATH'] ?? '', '/usr/local/go/bin'].join(':')
/** Debian's own: another Python in PATH does not see Debian's packages. */
const PYTHON = '/usr/bin/python3'
const PREPARE_MS = 5 * 60_000
const ANSWER_MS = 60_000

/** A third party as foreign libraries take it; the key and the identifier in hex. */
export interface ForeignParty {
  readonly key: string
  readonly identifier: string
  readonly location: string
}

interface Narrowing {
  readonly caveats?: readonly string[]
  readonly party?: ForeignParty
}

/** What an oracle is asked. Keys, identifiers and macaroons in hex; a key is a root key. */
export type Question =
  | ({
      readonly ask: 'mint'
      readonly key: string
      readonly identifier: string
      readonly location: string
    } & Narrowing)
  | ({ readonly ask: 'narrow'; readonly macaroon: string } & Narrowing)
  | { readonly ask: 'bind'; readonly macaroon: string; readonly discharge: string }
  | {
      readonly ask: 'verify'
      readonly key: string
      readonly macaroon: string
      readonly discharges: readonly string[]
    }

interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Somebody else's library of macaroons, in a process that answers each line of JSON with one. */
export interface Oracle {
  readonly name: string
  /** What must be there, and a command that shows it. */
  readonly needs: Command & { readonly what: string }
  /** Installs or builds what is not there yet. */
  readonly prepare?: Command & { readonly unless: string }
  readonly run: Command
}

const go = (args: readonly string[]): Command => ({
  program: 'go',
  args,
  cwd: `${HERE}go-oracle`,
  env: { ...process.env, PATH: GO_PATH }
})

export const ORACLES: readonly Oracle[] = [
  {
    name: 'the npm package macaroon',
    needs: { what: 'npm', program: 'npm', args: ['--version'] },
    prepare: {
      program: 'npm',
      args: ['ci', '--ignore-scripts'],
      cwd: `${HERE}npm-oracle`,
      unless: `${HERE}npm-oracle/node_modules/.package-lock.json`
    },
    run: { program: process.execPath, args: [`${HERE}npm-oracle/oracle.mjs`] }
  },
  {
    name: "Debian's python3-pymacaroons",
    needs: { what: 'python3-pymacaroons', program: PYTHON, args: ['-c', 'import pymacaroons'] },
    run: { program: PYTHON, args: [`${HERE}python_oracle.py`] }
  },
  {
    name: 'the Go module gopkg.in/macaroon.v2',
    needs: { what: 'Go', ...go(['version']) },
    prepare: { ...go(['build', '-buildvcs=false', '-o', GO_BINARY, '.']), unless: '' },
    run: { program: GO_BINARY, args: [] }
  }
]

/** Why the tests with an oracle are left out here; undefined where it is, and always in CI. */
export function isMissing({ name, needs }: Oracle): string | undefined {
  if (process.env['CI'] || finish(needs, ANSWER_MS).status === 0) return undefined
  return `${needs.what} is not installed: the tests with ${name} are left out`
}

/** Throws with what the failed command said. */
export function prepare({ name, needs, prepare: command }: Oracle): void {
  if (finish(needs, ANSWER_MS).status !== 0) throw new Error(`${name}: install ${needs.what}`)
  if (command === undefined || existsSync(command.unless)) return
  mkdirSync(fileURLToPath(new URL('../.cache/', import.meta.url)), { recursive: true })
  const { status, error, stderr } = finish(command, PREPARE_MS)
  if (status !== 0) throw new Error(`${name} cannot be prepared: ${error?.message ?? stderr}`)
}

/** The answers to `questions` in their order: a macaroon in hex, or the caveats that were shown, or null for a refusal. */
export function ask({ name, run }: Oracle, questions: readonly Question[]): (string | string[] | null)[] {
  const input = questions.map(question => `${JSON.stringify(question)}\n`).join('')
  const { status, error, stdout, stderr } = finish(run, ANSWER_MS, input)
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${error?.message ?? stderr}`)
  const answers = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as string | string[] | null)
  if (answers.length !== questions.length)
    throw new Error(`${name} gave ${answers.length} answers: ${stderr}`)
  return answers
}

function finish({ program, args, cwd, env }: Command, timeout: number, input = '') {
  return spawnSync(program, args, { cwd, env, input, timeout, encoding: 'utf8', maxBuffer: 1 << 26 })
}
