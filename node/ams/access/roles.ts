/** What callers may do, each with all that stands before it. */
export const ROLES = ['none', 'read', 'write', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Whether who has `role` may do what needs `needed`. */
export const includesRole = (role: Role, needed: Role): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(needed)

/** Undefined for what is no role. */
export const parseRole = (text: string): Role | undefined => ROLES.find(role => role === text)
