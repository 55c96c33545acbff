/** Why a request is not let in, with the status of the answer. */
export const ACCESS_REFUSALS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  origin_denied: 403,
  misdirected: 421,
  rate_limited: 429
} as const
export type AccessRefusalCode = keyof typeof ACCESS_REFUSALS

/** Why a request is not let in. Message, headers and members say nothing of any secret, nor of what is stored. */
export interface AccessRefusal {
  readonly code: AccessRefusalCode
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, string | number>>
}
