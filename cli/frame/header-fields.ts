import { FLAG, KIND_MASK, corrHex, readU16, readU32, tenantUuid } from '../../protocols/index.ts'
import type { Frame } from '../../protocols/index.ts'
import { appHex, registryRow } from '../registry-names.ts'
import type { ExplainedField } from './explain.ts'

interface FieldRow {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  readonly value: (frame: Frame) => string
}

// specs/oap-1.md, section 3.1
const FIELDS: readonly FieldRow[] = [
  { name: 'len', offset: 0, bytes: 4, value: ({ bytes, start }) => `${readU32(bytes, start)} bytes follow` },
  { name: 'ver', offset: 4, bytes: 1, value: ({ bytes, start }) => String(bytes[start + 4]) },
  { name: 'flags', offset: 5, bytes: 2, value: ({ bytes, start }) => flagsText(readU16(bytes, start + 5)) },
  { name: 'code', offset: 7, bytes: 2, value: codeText },
  { name: 'app_proto_id', offset: 9, bytes: 2, value: ({ app }) => appMeaning(app) },
  { name: 'tenant_id', offset: 11, bytes: 16, value: ({ tenant }) => (tenant ? tenantUuid(tenant) : 'none') },
  { name: 'cap_len', offset: 27, bytes: 2, value: ({ capLength }) => String(capLength) },
  { name: 'corr_id', offset: 29, bytes: 8, value: ({ corr }) => corrHex(corr) }
]

export function headerFields(frame: Frame): ExplainedField[] {
  return FIELDS.map(({ name, offset, bytes, value }) => field(frame, name, offset, bytes, value(frame)))
}

const SHOWN_BYTES = 32

/** A field of `bytes` bytes at `offset` of the frame. */
export function field(
  frame: Frame,
  name: string,
  offset: number,
  bytes: number,
  value: string
): ExplainedField {
  const from = frame.start + offset
  const shown = frame.bytes.subarray(from, from + Math.min(bytes, SHOWN_BYTES))
  const hex = Buffer.from(shown).toString('hex')
  return { offset, bytes, hex: bytes > SHOWN_BYTES ? `${hex}...` : hex, name, value }
}

/** `REQ START END`; reserved bits are named, since a receiver ignores them. */
export function flagsText(flags: number): string {
  const names = Object.entries(FLAG).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]))
  const reserved = flags & 0xff00
  const strange =
    reserved === 0 ? [] : [`(reserved bits 0x${reserved.toString(16).padStart(4, '0')}: ignored)`]
  return [...names, ...strange].join(' ') || 'none'
}

export const isErrorCodeNumber = (code: number): boolean => code !== 0 && (code < 200 || code > 299)

function codeText({ flags, code }: Frame): string {
  if ((flags & KIND_MASK) !== FLAG.RESP) return code === 0 ? '0' : `${code} (ignored: this is no answer)`
  return isErrorCodeNumber(code) ? `${code} error` : `${code} success`
}

function appMeaning(app: number): string {
  const row = registryRow(app)
  if (row !== undefined) return `${appHex(app)} ${row.name}`
  return `${appHex(app)} ${app >= 0x8000 ? 'private use' : 'not in the registry'}`
}
