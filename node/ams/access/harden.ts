import { ownCommand } from '../../own-command.ts'
import { networkProblem } from './addresses.ts'
import type { WriteMode } from './identify.ts'
import { HARDENED_TOKEN_BYTES } from './static-tokens.ts'
import type { StaticToken } from './static-tokens.ts'

/** A hub before it is hardened, or after. */
export interface HardenState {
  /** The data folder, for the commands that the way out names. */
  readonly data?: string
  readonly writeMode: WriteMode
  /** `security.write_requires_auth` */
  readonly writeRequiresAuth: boolean
  /** `gateway.write_requires_token` */
  readonly writeRequiresToken: boolean
  /** `gateway.sandbox` */
  readonly sandbox: string
  readonly tokens: readonly Pick<StaticToken, 'name' | 'role' | 'bytes'>[]
  readonly isRateLimited: boolean
  /** Networks of proxies that are believed. */
  readonly proxies: readonly string[]
}

/**
 * What became of a step: `held` is one that was not done because another was refused, `later` one that leaves something to
 * do.
 */
export type StepOutcome = 'done' | 'already' | 'later' | 'held' | 'refused'

export interface HardenStep {
  readonly step: string
  readonly is: StepOutcome
  /** One line for the operator; of what is refused, with the way out. */
  readonly message: string
}

export interface Hardening {
  readonly isRefused: boolean
  readonly steps: readonly HardenStep[]
  /** Keys of the configuration with what they are set to; none where it is refused. */
  readonly settings: Readonly<Record<string, string | boolean>>
}

interface Check {
  readonly step: string
  /** Why it is refused, one line each. */
  readonly problems: (state: HardenState) => readonly string[]
  readonly message: string
}

const addToken = (role: StaticToken['role'], { data = 'DIR' }: HardenState): string =>
  ownCommand('token', 'add', 'NAME', '--role', role, '--data', data)

const needs = (isMet: boolean, wayOut: string): readonly string[] => (isMet ? [] : [wayOut])

const CHECKS: readonly Check[] = [
  {
    step: 'tokens.write',
    problems: state =>
      needs(
        state.tokens.some(({ role }) => role === 'write'),
        `no WRITE token: set AMS_WRITE_TOKEN, or run: ${addToken('write', state)}`
      ),
    message: 'there is a WRITE token'
  },
  {
    step: 'tokens.admin',
    problems: state =>
      needs(
        state.tokens.some(({ role }) => role === 'admin'),
        `no ADMIN token: set AMS_ADMIN_TOKEN, or run: ${addToken('admin', state)}`
      ),
    message: 'there is an ADMIN token'
  },
  {
    step: 'tokens.length',
    problems: ({ tokens }) =>
      tokens
        .filter(({ bytes }) => bytes < HARDENED_TOKEN_BYTES)
        .map(
          ({ name, bytes }) => `token ${name}: ${bytes} bytes, at least ${HARDENED_TOKEN_BYTES}: replace it`
        ),
    message: `every token has at least ${HARDENED_TOKEN_BYTES} bytes`
  },
  {
    step: 'limits',
    problems: ({ isRateLimited }) => needs(isRateLimited, 'no rate limits: set gateway.rate_limits = true'),
    message: 'rate limits are on'
  },
  {
    step: 'proxies',
    problems: ({ proxies }) =>
      proxies.flatMap(text => {
        const problem = networkProblem(text)
        return problem === undefined ? [] : [`gateway.trusted_proxies: ${text} ${problem}`]
      }),
    message: 'only proxies that are named say who asks'
  }
]

/** What each key is set to. */
const SETTINGS: readonly {
  readonly key: string
  readonly value: string | boolean
  readonly of: (state: HardenState) => string | boolean
}[] = [
  { key: 'gateway.write_mode', value: 'token', of: ({ writeMode }) => writeMode },
  { key: 'security.write_requires_auth', value: true, of: ({ writeRequiresAuth }) => writeRequiresAuth },
  { key: 'gateway.write_requires_token', value: true, of: ({ writeRequiresToken }) => writeRequiresToken },
  { key: 'gateway.sandbox', value: '', of: ({ sandbox }) => sandbox }
]

/**
 * The checklist: checks first, and where one is refused nothing is changed; then the settings that turn enforcement on. Who
 * carries it out sets `settings` durably in one write before a node is closed, and its manifests are made anew last, so that
 * none says what does not hold. Of a hub that is hardened every step is `already`.
 */
export function harden(state: HardenState): Hardening {
  const checks = CHECKS.map(check => ({ check, problems: check.problems(state) }))
  const isRefused = checks.some(({ problems }) => problems.length > 0)
  const changed = SETTINGS.filter(({ of, value }) => of(state) !== value)
  return {
    isRefused,
    steps: [
      ...checks.flatMap(({ check, problems }) => checked(check, problems)),
      ...SETTINGS.map(({ key, value, of }) =>
        step(
          key,
          of(state) === value ? 'already' : isRefused ? 'held' : 'done',
          `${key} = ${JSON.stringify(value)}`
        )
      )
    ],
    settings: isRefused ? {} : Object.fromEntries(changed.map(({ key, value }) => [key, value]))
  }
}

const step = (name: string, is: StepOutcome, message: string): HardenStep => ({ step: name, is, message })

const checked = ({ step: name, message }: Check, problems: readonly string[]): readonly HardenStep[] =>
  problems.length === 0
    ? [step(name, 'already', message)]
    : problems.map(problem => step(name, 'refused', problem))
