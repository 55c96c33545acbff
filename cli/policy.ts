import type { AdminClient } from '../node/index.ts'
import type { Invocation } from './invocation.ts'
import { withLinks } from './pairing.ts'

/** What `use` yields with the acceptance policy of the running node of `--data`. @throws as `withLinks` */
export const withPolicy = <T>(
  invocation: Invocation,
  use: (policy: AdminClient['policy']) => Promise<T>
): Promise<T> => withLinks(invocation, (_, { policy }) => use(policy))
