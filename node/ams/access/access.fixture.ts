import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { DEFAULT_RATES } from './access-rates.ts'
import { createAccess } from './access.ts'
import type { AccessOptions } from './access.ts'
import { networksOf } from './addresses.ts'
import { LOOPBACK_HOSTS } from './host-rule.ts'
import type { KnownCallers } from './identify.ts'
import type { AccessRefusalCode } from './refusal.ts'
import { RequestLimits } from './request-limits.ts'
import { StaticTokens, staticToken } from './static-tokens.ts'

export const READ = 'read-token-of-at-least-32-bytes-01'
export const WRITE = 'write-token-of-at-least-32-bytes-1'
export const ADMIN = 'admin-token-of-at-least-32-bytes-1'

export const known: KnownCallers = {
  tokens: new StaticTokens([
    staticToken('reader', 'read', READ),
    staticToken('bot', 'write', WRITE),
    staticToken('operator', 'admin', ADMIN)
  ]),
  writeMode: 'token',
  isPrivate: false
}

/** An app with one route for each role, which tell who asks. What was refused stands in `refused`. */
export function guardedApp(
  t: TestContext,
  options: Partial<AccessOptions> = {}
): { readonly app: FastifyInstance; readonly refused: AccessRefusalCode[] } {
  const refused: AccessRefusalCode[] = []
  const app = Fastify({ logger: false, http: { maxHeaderSize: 8192 }, forceCloseConnections: true })
  t.after(() => app.close())
  createAccess({
    hosts: new Set(LOOPBACK_HOSTS),
    origins: new Set(['https://app.example.org']),
    proxies: networksOf(['10.0.0.0/8']),
    known: () => known,
    limits: new RequestLimits(DEFAULT_RATES),
    tenant: 'default',
    app: 'ams',
    now: () => 0,
    onRefusal: code => void refused.push(code),
    ...options
  })(app)
  const answer = async ({ caller, clientIp, id }: { caller: unknown; clientIp: string; id: string }) => ({
    caller,
    clientIp,
    id
  })
  app.get('/none', answer)
  app.get('/health', { config: { isUncharged: true } }, answer)
  app.get('/read', { config: { role: 'read' } }, answer)
  app.post('/write', { config: { role: 'write' } }, answer)
  app.post('/admin', { config: { role: 'admin' } }, answer)
  return { app, refused }
}
