import { Random, digest } from '../../fuzz/engine/random.ts'
import { ADMIN, READ, WRITE } from '../hub.ts'
import { BYTES, CID, NAMES, goodBodies } from './bodies.ts'
import { brokenJson, changed, oddText } from './mutate.ts'
import type { Operation, Schema } from './operations.ts'

/** A request as it is sent. */
export interface Asking {
  readonly method: string
  /** With its query, as it stands in the request line. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
  /** Whether the body is sent in chunks and its length is not said. */
  readonly isChunked: boolean
}

/** The `n`th request for an operation: the same for the same seed, whatever else is asked. */
export function asking(operation: Operation, seed: number, n: number): Asking {
  const random = new Random(digest(Buffer.from(`${seed} ${operation.name} ${n}`)))
  const body = bodyOf(operation, random)
  return {
    method: random.once(60) ? random.pick(OTHER_METHODS) : operation.method,
    target: targetOf(operation, random),
    headers: { ...headersOf(operation, body, random), ...tokenOf(random) },
    body,
    isChunked: body.length > 0 && random.once(10)
  }
}

const OTHER_METHODS = ['DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PUT', 'PATCH', 'GET', 'POST', 'HEAD']

function tokenOf(random: Random): Record<string, string> {
  const token = random.pick([
    ADMIN,
    ADMIN,
    ADMIN,
    WRITE,
    READ,
    'not-a-token',
    'AgEKb21uaWdhdGU',
    '',
    undefined
  ])
  if (token === undefined) return {}
  if (random.once(40)) return { authorization: `Basic ${token}`, 'x-ams-token': token }
  return random.once(4) ? { 'x-ams-token': token } : { authorization: `Bearer ${token}` }
}

function targetOf({ path, query }: Operation, random: Random): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => escaped(named(name, random)))
  const pairs = query.flatMap(({ name, schema }) => {
    if (random.once(2)) return []
    const pair = `${name}=${escaped(valueOf(name, schema, random))}`
    return random.once(20) ? [pair, pair] : [pair]
  })
  if (random.once(15)) pairs.push(`${escaped(oddText(random)) || 'x'}=${escaped(oddText(random))}`)
  if (random.once(60)) pairs.push(random.pick(['%', '%zz', '&&==', '[a]=1', 'a=%ff', '?', 'a=1&a=2&a=3']))
  const text = pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`
  // Longer request lines are not read at all: those have tests of their own.
  return text.length > 6000 ? filled.slice(0, 6000) : text
}

function named(name: string, random: Random): string {
  if (random.once(8)) return oddText(random).slice(0, 2000)
  return name === 'cid' && !random.once(4) ? CID : random.pick(NAMES)
}

function valueOf(name: string, schema: Schema, random: Random): string {
  if (random.once(4)) return oddText(random).slice(0, 2000)
  if (schema.enum !== undefined) return String(random.pick(schema.enum))
  const { minimum, maximum = minimum } = schema
  if (maximum !== undefined)
    return String(random.pick([minimum ?? 0, maximum, maximum + 1, Math.ceil(maximum / 2)]))
  return name === 'cursor' ? random.pick(['AAAA', 'eyJhIjoxfQ', '1', CID]) : random.pick(NAMES)
}

const escaped = (text: string): string => encodeURIComponent(text.toWellFormed())

function bodyOf({ path, takes, maxBodyBytes }: Operation, random: Random): Buffer {
  if (takes === 'nothing' && !random.once(12)) return Buffer.alloc(0)
  if (maxBodyBytes !== undefined && random.once(400)) return Buffer.alloc(maxBodyBytes + random.below(2), 'x')
  if (takes === 'bytes' && random.once(2)) return random.pick(BYTES)
  const good = random.pick(goodBodies(path))
  const kind = random.below(10)
  if (kind < 3) return Buffer.from(JSON.stringify(good))
  if (kind < 7)
    return Buffer.from(JSON.stringify(changed(random.once(3) ? changed(good, random) : good, random)) ?? '')
  if (kind < 9) return brokenJson(JSON.stringify(good), random)
  return random.pick(BYTES)
}

const TYPES = [
  'text/plain',
  'application/octet-stream',
  'application/vnd.oap.record',
  'application/json; charset=utf-16',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'x',
  '/',
  ''
]

/** Each is sent now and then. */
const HEADERS: readonly (readonly [string, readonly (string | readonly string[])[]])[] = [
  ['accept', ['*/*', 'application/vnd.ipld.car', 'text/html;q=x', '']],
  ['content-encoding', ['gzip', 'identity', 'br, gzip', 'x'.repeat(200)]],
  ['range', ['bytes=0-1', 'bytes=-1', 'bytes=9-1', 'bytes=0-0,2-3', 'bytes=99999999999999999999-', 'x']],
  ['if-none-match', [`"${CID}"`, '*', 'W/"x"', '"'.repeat(500)]],
  ['if-range', [`"${CID}"`, 'x']],
  ['if-match', ['*', '"x"']],
  ['x-request-id', ['mine-1', ' ', 'é'.repeat(3), 'x'.repeat(500), '{}']],
  ['traceparent', ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-x', '']],
  ['origin', ['https://evil.example', 'null', '://']],
  ['host', ['evil.example', 'localhost:1', '[::1', '']],
  ['x-forwarded-for', ['203.0.113.7', '::1, x', '1'.repeat(300)]],
  ['forwarded', ['for=x']],
  ['expect', ['100-continue', 'nonsense']],
  ['cookie', ['a=1; b="x']],
  ['user-agent', ['', 'x'.repeat(1000)]],
  ['last-event-id', ['1']],
  ['sec-fetch-site', ['cross-site']],
  ['upgrade', ['websocket', 'h2c']],
  ['te', ['trailers']],
  ['x-http-method-override', ['DELETE']]
]

function headersOf(
  { takes }: Operation,
  body: Buffer,
  random: Random
): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {}
  if (body.length > 0)
    headers['content-type'] = takes === 'json' && !random.once(10) ? 'application/json' : random.pick(TYPES)
  for (const [name, values] of HEADERS) if (random.once(25)) headers[name] = random.pick(values)
  return headers
}
