import { OapError } from './errors.ts'
import { DEFINED_FLAGS, FLAG, MAX_FRAME_BYTES } from './frame.ts'
import { integer, optional, readFields, text } from './fields.ts'
import { parseJson } from './json.ts'
import type { Json, JsonObject } from './json.ts'

export const DEFAULT_MAX_INFLIGHT = 64
/** The lowest max_frame that either side may ask for. */
export const LEAST_MAX_FRAME_BYTES = 4096
const MAX_INT = 2 ** 31 - 1
const MAX_UA_BYTES = 256

/** The two numbers that a HELLO settles for a connection. */
export interface Limits {
  readonly maxFrameBytes: number
  readonly maxInflight: number
}

export const DEFAULT_LIMITS: Limits = { maxFrameBytes: MAX_FRAME_BYTES, maxInflight: DEFAULT_MAX_INFLIGHT }

export interface HelloRequest {
  readonly ua?: string | undefined
  readonly max_frame?: number | undefined
  readonly max_inflight?: number | undefined
}

const REQUEST = {
  ua: optional(text(MAX_UA_BYTES)),
  max_frame: optional(integer(LEAST_MAX_FRAME_BYTES, MAX_INT)),
  max_inflight: optional(integer(1, MAX_INT))
}

/** What a HELLO asks for; an empty payload asks for nothing. Throws `bad_payload` or `bad_request`. */
export function parseHelloRequest(header: JsonObject | undefined): HelloRequest {
  return header === undefined ? {} : readFields(REQUEST, header)
}

/** The smaller of both sides' numbers. */
export const agree = (own: Limits, asked: HelloRequest): Limits => ({
  maxFrameBytes: Math.min(own.maxFrameBytes, asked.max_frame ?? MAX_INT),
  maxInflight: Math.min(own.maxInflight, asked.max_inflight ?? MAX_INT)
})

/** What a node says of itself in a HELLO, beside the limits. */
export interface HelloFacts {
  readonly serverVersion: string
  readonly transports: readonly string[]
  readonly revocationSeq: number
  readonly apps: readonly number[]
  readonly compression: boolean
}

export function helloAnswer(facts: HelloFacts, limits: Limits): JsonObject {
  const flags = ['EVENT', 'ACK_REQ', ...(facts.compression ? ['COMP'] : []), 'APP_E2E']
  return {
    version: 1,
    server_version: facts.serverVersion,
    max_frame: limits.maxFrameBytes,
    max_inflight: limits.maxInflight,
    supported_flags: flags,
    flags_supported: facts.compression ? DEFINED_FLAGS : DEFINED_FLAGS & ~FLAG.COMP,
    oap_versions: [1],
    versions: [1],
    transports: [...facts.transports],
    pq: false,
    revocation_seq: facts.revocationSeq,
    apps: [...facts.apps].sort((a, b) => a - b)
  }
}

/** A peer's HELLO answer. `raw` holds all members as they came. */
export interface Hello extends Limits {
  readonly serverVersion: string | undefined
  readonly versions: readonly number[]
  readonly apps: readonly number[]
  readonly supportsCompression: boolean
  readonly revocationSeq: number | undefined
  readonly raw: JsonObject
}

const ANSWER = { max_frame: integer(1, MAX_INT), max_inflight: integer(1, MAX_INT) }

/** Reads a HELLO answer; members other than the two limits may be absent. Throws `bad_payload` or `bad_request`. */
export function parseHelloAnswer(payload: Uint8Array): Hello {
  const raw = parseJson(payload)
  const { max_frame, max_inflight } = readFields(ANSWER, raw)
  const flags = raw['supported_flags']
  return {
    maxFrameBytes: max_frame,
    maxInflight: max_inflight,
    serverVersion: typeof raw['server_version'] === 'string' ? raw['server_version'] : undefined,
    versions:
      integers(raw['oap_versions']) ?? integers(raw['versions']) ?? integers([raw['version'] ?? null]) ?? [],
    apps: integers(raw['apps']) ?? [],
    supportsCompression: Array.isArray(flags) && flags.includes('COMP'),
    revocationSeq: typeof raw['revocation_seq'] === 'number' ? raw['revocation_seq'] : undefined,
    raw
  }
}

function integers(value: Json | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.every(n => typeof n === 'number') ? value : undefined
}

/** Throws `bad_request` unless the other side speaks OAP/1. */
export function checkVersion({ versions }: Hello): void {
  if (versions.length > 0 && !versions.includes(1)) {
    throw new OapError('bad_version', `the peer speaks OAP ${versions.join(', ')}, this is OAP/1`)
  }
}
