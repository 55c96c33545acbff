import { hubPublicKey } from '../hub-id.ts'

/** The parts of the origin of a log. */
export interface LogOrigin {
  readonly hubId: string
  readonly nodeName: string
  /** 16 hex digits, drawn when the log was made. */
  readonly logId: string
}

/** The parts of `<hub id>/<node name>/<log id>`; undefined for another form. */
export function parseOrigin(origin: string): LogOrigin | undefined {
  const [, hubId, nodeName, logId] =
    /^(h1[a-z2-7]{52})\/([a-z0-9-]{1,63})\/([0-9a-f]{16})$/.exec(origin) ?? []
  if (hubId === undefined || nodeName === undefined || logId === undefined) return undefined
  return hubPublicKey(hubId) === undefined ? undefined : { hubId, nodeName, logId }
}
