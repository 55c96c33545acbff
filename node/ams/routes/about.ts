import { NO_QUERY } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { HEALTH, POLICY } from './schemas.ts'

export const ABOUT: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/ams/v1/health',
    role: 'none',
    isUncharged: true,
    query: NO_QUERY,
    statuses: [200],
    gives: HEALTH,
    summary: 'What this hub is and what it takes.',
    answer: async ({ health, nowMs }) => {
      const { service, mode, ...more } = health()
      return { status: 200, body: { ok: true, service, mode, now: new Date(nowMs()).toISOString(), ...more } }
    }
  }),
  route({
    method: 'GET',
    path: '/ams/v1/policy',
    role: 'none',
    query: NO_QUERY,
    statuses: [200],
    gives: POLICY,
    summary: 'The acceptance policy, with its version and hash.',
    answer: async ({ policy }) => ({ status: 200, body: { ok: true, ...policy() } })
  })
]
