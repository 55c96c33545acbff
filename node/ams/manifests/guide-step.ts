import type { Role } from '../access/roles.ts'
import type { HubFacts } from './facts.ts'

/** Something that a reader can do, with the status of the answer. */
export interface Step {
  readonly says: string
  readonly status: number
  /** What must answer here; else the step is left out. */
  readonly needs: string
  /** A line for a shell; `TOKEN` stands for the header with a token, where one is needed. */
  readonly line: (url: string) => string
  readonly role: Role
  /** Whether a token is needed; if missing, where the role is more than what callers without one have. */
  readonly needsToken?: (facts: HubFacts) => boolean
  /** Whether it needs an envelope that a hub which demands proofs would not take. */
  readonly isPosting?: boolean
}

export interface Section {
  readonly title: string
  readonly text: (facts: HubFacts) => string
  readonly steps: readonly Step[]
}

export const JSON_BODY = `-H 'Content-Type: application/json' -d`

export const get = (
  says: string,
  path: string,
  more: Partial<Step> & { readonly query?: string } = {}
): Step => {
  const { query = '', ...rest } = more
  return {
    says,
    status: 200,
    needs: `GET ${path}`,
    role: 'read',
    line: url => `curl -sS TOKEN'${url}${path}${query}'`,
    ...rest
  }
}

export const post = (
  says: string,
  path: string,
  body: string,
  more: Partial<Step> & { readonly query?: string } = {}
): Step => {
  const { query = '', ...rest } = more
  return {
    says,
    status: 201,
    needs: `POST ${path}`,
    role: 'write',
    line: url => `curl -sS TOKEN${JSON_BODY} '${body}' '${url}${path}${query}'`,
    ...rest
  }
}
