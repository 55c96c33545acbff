import type { Target } from '../engine/target.ts'
import { client } from './client.ts'
import { codec } from './codec.ts'
import { directed } from './directed.ts'
import { evidence } from './evidence.ts'
import { handshake } from './handshake.ts'
import { links } from './links.ts'
import { payload } from './payload.ts'
import { policy } from './policy.ts'
import { shares } from './shares.ts'
import { storage } from './storage.ts'
import { session } from './session.ts'
import { snapshots } from './snapshots.ts'
import { token } from './token.ts'
import { witness } from './witness.ts'
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
  shares,
  directed,
  snapshots,
  witness,
  storage,
  session,
  client
]
