import type { Target } from '../engine/target.ts'
import { client } from './client.ts'
import { codec } from './codec.ts'
import { evidence } from './evidence.ts'
import { handshake } from './handshake.ts'
import { links } from './links.ts'
import { payload } from './payload.ts'
import { policy } from './policy.ts'
import { storage } from './storage.ts'
import { session } from './session.ts'
import { token } from './token.ts'
import { zstd } from './zstd.ts'

/** Everything that is fuzzed, in the order in which it is. */
export const TARGETS: readonly Target[] = [
  codec,
  payload,
  zstd,
  token,
  evidence,
  handshake,
  links,
  policy,
  storage,
  session,
  client
]
