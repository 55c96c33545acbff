/** Why a request, or a connection, is not let in. */
export const ACCESS_REFUSALS = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'origin_denied',
  'misdirected',
  'rate_limited',
  'quota_tenant',
  'quota_capability',
  'saturated',
  'draining',
  'disk_full',
  'connections',
  'source_connections'
] as const
export type AccessRefusalCode = (typeof ACCESS_REFUSALS)[number]

/** Why a request is not let in. Message, headers and members say nothing of any secret, nor of what is stored. */
export interface AccessRefusal {
  readonly code: AccessRefusalCode
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, string | number>>
}
