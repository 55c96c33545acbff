import { OapError } from './errors.ts'
import { FLAG } from './frame.ts'
import type { Frame } from './frame.ts'
import type { HeaderCache, Payload } from './record.ts'
import type { ServerCall } from './server-call.ts'
import type { ServiceDirectory } from './service.ts'

/**
 * Reads a START payload and finds the row that it asks for, which the call then holds.
 * Throws, in this order, `unknown_app`, `bad_payload` or `body_oversize`, `unknown_operation`.
 * @see specs/oap-1.md, section 12.2
 */
export function findOperation(
  services: ServiceDirectory,
  headers: HeaderCache,
  call: ServerCall,
  frame: Frame
): Payload {
  const operations = services.get(frame.app)
  if (operations === undefined) {
    throw new OapError(
      'unknown_app',
      `app_proto_id 0x${frame.app.toString(16).padStart(4, '0')} is not served here`
    )
  }
  const payload = headers.decodeFrame(frame)
  checkBodyFlags(call, payload)
  const op = payload.header['op']
  if (typeof op !== 'string') throw new OapError('unknown_operation', 'op: missing', { status: 400 })
  const served = operations.get(op)
  if (served === undefined) throw new OapError('unknown_operation', 'op: this service has no such operation')
  call.served = served
  if (served.row.upload !== true) call.isReceiving = false
  return payload
}

function checkBodyFlags(call: ServerCall, { isRecord, body }: Payload): void {
  if (call.isE2e && !isRecord) throw new OapError('bad_payload', 'APP_E2E: the payload must be a record')
  if ((call.startFlags & FLAG.COMP) === 0 || call.isE2e) return
  if (body.length === 0) throw new OapError('bad_payload', 'COMP: the body is empty')
}
