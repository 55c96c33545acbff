import type { AdminClient } from '../node/index.ts'
import type { Invocation } from './invocation.ts'
import { withLinks } from './pairing.ts'

/** What `use` yields with the running node of `--data`. @throws as `withLinks` */
export const withDht = <T>(invocation: Invocation, use: (admin: AdminClient) => Promise<T>): Promise<T> =>
  withLinks(invocation, (_, admin) => use(admin))
