import type { Role } from './roles.ts'

/** Who asks, once it is known. It holds no secret. */
export interface Caller {
  readonly role: Role
  /**
   * As records and the audit log name it, at most 64 bytes: the name of a static token, `cap:` and the id of a capability,
   * or `anonymous`.
   */
  readonly name: string
  /** Whether it may release what is quarantined. */
  readonly isModerator: boolean
}

export const ANONYMOUS = 'anonymous'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the body is read. */
    caller: Caller
  }

  interface FastifyContextConfig {
    /** Who may call the route; `none` is anybody, and is what routes have that say nothing. */
    role?: Role
    /** Whether it takes any capability that is whole: what that allows is judged by what becomes of the request. */
    takesCapabilities?: boolean
  }
}
