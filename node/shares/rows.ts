import type { Track } from '../../federation/index.ts'
import { sealed, sealedJson, unseal } from '../stores/mailbox/index.ts'
import type { BesideRow } from '../stores/mailbox/index.ts'
import type { Level } from '../stores/level.ts'

/** The name of the rows in a store. */
export const SHARE_ROWS = 'shares'
const PREFIX = `!${SHARE_ROWS}!`
/** Above all that may follow. */
const LAST = '\uffff'
const DIGITS = 14

const KIND = { meta: 'v', track: 't', message: 'm', body: 'b', held: 'h' } as const

/** What became of a number. */
export const SETTLED = ['own', 'delivered', 'expired', 'quarantined', 'rejected', 'refused', 'stale'] as const
export type Settled = (typeof SETTLED)[number]

/** Which numbers: those of one origin for one share, counted since it began to. */
export interface SeriesName {
  readonly share: string
  readonly origin: string
  readonly series: number
}

/** What is kept of a series beside its messages. */
export interface StoredTrack extends Track {
  /** Of all rows of its messages, about. */
  readonly bytes: number
  /** Numbers that were given up and never came. */
  readonly gap: number
  /** The newest time of its messages, in Unix seconds. */
  readonly at: number
  /** How long its messages are kept, in seconds. */
  readonly windowS: number
  /** Under which terms it was read last; undefined for an own one. */
  readonly terms?: string | undefined
  /** From here on numbers are yet to be looked at that may be had under those terms and not under others before. */
  readonly anew?: number | undefined
}

/** What is kept of a message until its window is over, whatever became of it. */
export interface StoredMessageRow {
  readonly state: Settled
  /** Its federated id. */
  readonly id: string
  readonly at: number
  readonly bytes: number
  readonly tenant: string
  readonly topic: string
  /** The signed statement. */
  readonly line: string
  /** By what its body can be withdrawn: the same for all messages that hold the same; without `/`. */
  readonly of?: string | undefined
  /** Its body was taken away for good. */
  readonly isWithdrawn?: true | undefined
}

/** 14 hexadecimal digits, so that numbers up to 2^53 sort as they count. */
const sortable = (value: number): string => value.toString(16).padStart(DIGITS, '0')
export const seriesText = ({ share, origin, series }: SeriesName): string =>
  `${share}/${origin}/${sortable(series)}`

const trackKey = (name: SeriesName): string => `${PREFIX}${KIND.track}${seriesText(name)}`
const messageKey = (name: SeriesName, number: number): string =>
  `${PREFIX}${KIND.message}${seriesText(name)}/${sortable(number)}`
const bodyKey = (name: SeriesName, number: number): string =>
  `${PREFIX}${KIND.body}${seriesText(name)}/${sortable(number)}`
/** Which bodies there are of the same: it goes with the body. */
const heldStart = (of: string): string => `${PREFIX}${KIND.held}${of}/`
const heldKey = (of: string, name: SeriesName, number: number): string =>
  `${heldStart(of)}${seriesText(name)}/${sortable(number)}`
const META = `${PREFIX}${KIND.meta}`

export function trackRow(name: SeriesName, track: StoredTrack): BesideRow {
  const key = trackKey(name)
  const { first, last, missing, bytes, gap, at, windowS, terms, anew } = track
  return [key, sealedJson(key, { first, last, missing, bytes, gap, at, windowS, terms, anew })]
}

export const noTrackRow = (name: SeriesName): BesideRow => [trackKey(name), undefined]

/** The rows of a message, with its body where that is kept. */
export function messageRows(
  name: SeriesName,
  number: number,
  message: StoredMessageRow,
  body: Uint8Array | undefined
): readonly BesideRow[] {
  const key = messageKey(name, number)
  const rows: BesideRow[] = [[key, sealedJson(key, message)]]
  if (body !== undefined) {
    const of = bodyKey(name, number)
    rows.push([of, sealed(of, body)])
    if (message.of !== undefined) {
      const held = heldKey(message.of, name, number)
      rows.push([held, sealedJson(held, true)])
    }
  }
  return rows
}

export const noMessageRows = (
  name: SeriesName,
  number: number,
  message: Pick<StoredMessageRow, 'of'> | undefined
): readonly BesideRow[] => [[messageKey(name, number), undefined], ...noBodyRows(name, number, message)]

/** A message whose body is kept no more. */
export const noBodyRows = (
  name: SeriesName,
  number: number,
  message: Pick<StoredMessageRow, 'of'> | undefined
): readonly BesideRow[] => [
  [bodyKey(name, number), undefined],
  ...(message?.of === undefined ? [] : [[heldKey(message.of, name, number), undefined] as const])
]

/** About what the rows of a message take. */
export const rowBytes = ({ line }: Pick<StoredMessageRow, 'line'>, body: Uint8Array | undefined): number =>
  line.length + 400 + (body?.length ?? 0)

const jsonOf = <T>(key: string, bytes: Uint8Array | undefined): T | undefined => {
  if (bytes === undefined) return undefined
  const payload = unseal(key, bytes)
  return typeof payload === 'string' ? undefined : (JSON.parse(payload.toString()) as T)
}

/** Reads what others have written in one step with messages. Every damaged row is as if it were not there. */
export class ShareRows {
  readonly #level: Level

  constructor(level: Level) {
    this.#level = level
  }

  /** All series; there are a few for each share and hub. */
  async tracks(onDamaged: (row: string) => void): Promise<(SeriesName & StoredTrack)[]> {
    const start = `${PREFIX}${KIND.track}`
    const rows = await this.#level.iterator({ gte: start, lt: start + LAST }).all()
    return rows.flatMap(([key, bytes]) => {
      const track = jsonOf<StoredTrack>(key, bytes)
      const [share, origin, series] = key.slice(start.length).split('/')
      if (track === undefined || share === undefined || origin === undefined || series === undefined) {
        onDamaged(key)
        return []
      }
      return [{ share, origin, series: Number.parseInt(series, 16), ...track }]
    })
  }

  /** Which audit log this store was written beside; undefined for a new store. */
  async log(): Promise<string | undefined> {
    return jsonOf<{ readonly log: string }>(META, await this.#level.get(META))?.log
  }

  async message(name: SeriesName, number: number): Promise<StoredMessageRow | undefined> {
    const key = messageKey(name, number)
    return jsonOf(key, await this.#level.get(key))
  }

  async body(name: SeriesName, number: number): Promise<Uint8Array | undefined> {
    const key = bodyKey(name, number)
    const bytes = await this.#level.get(key)
    const body = bytes === undefined ? undefined : unseal(key, bytes)
    return typeof body === 'string' ? undefined : body
  }

  /** Messages whose bodies are kept and hold the same, at most so many. */
  async held(
    of: string,
    limit: number
  ): Promise<readonly { readonly name: SeriesName; readonly number: number }[]> {
    const start = heldStart(of)
    const keys = await this.#level.keys<string>({ gte: start, lt: start + LAST, limit }).all()
    return keys.map(key => {
      const [share = '', origin = '', series = '', number = ''] = key.slice(start.length).split('/')
      const name = { share, origin, series: Number.parseInt(series, 16) }
      return { name, number: Number.parseInt(number, 16) }
    })
  }

  /** Messages from one number to another that are there, at most so many. */
  async messages(
    name: SeriesName,
    from: number,
    to: number,
    limit: number
  ): Promise<{ readonly number: number; readonly message: StoredMessageRow | undefined }[]> {
    const rows = await this.#level
      .iterator({ gte: messageKey(name, from), lte: messageKey(name, to), limit })
      .all()
    return rows.map(([key, bytes]) => ({
      number: Number.parseInt(key.slice(-DIGITS), 16),
      message: jsonOf<StoredMessageRow>(key, bytes)
    }))
  }
}

/** What says beside which audit log a store was written. */
export const metaRow = (log: string): BesideRow => [META, sealedJson(META, { log })]
