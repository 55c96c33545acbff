import { OapError } from 'omnigate/protocols'

const TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['jpeg', 'image/jpeg'],
  ['jpg', 'image/jpeg'],
  ['json', 'application/json'],
  ['mvt', 'application/vnd.mapbox-vector-tile'],
  ['pbf', 'application/x-protobuf'],
  ['png', 'image/png'],
  ['webp', 'image/webp']
])

const MOST_NAMES = 8
const NAME = /^[A-Za-z0-9_@-][A-Za-z0-9_@.-]{0,127}$/

/** Where a tile lies below the folder of tiles. */
export interface TilePath {
  /** Names without `/`, none of them `.` or `..`. */
  readonly names: readonly string[]
  readonly contentType: string
}

/**
 * Judges a path as a caller wrote it, before anything is looked for. Throws `outside_folder` (403) for what would leave the
 * folder, `bad_path` (400) for what is no path of a tile.
 */
export function tilePath(path: string): TilePath {
  const [before, ...names] = path.split('/')
  const isAbsolute = before === '' && names[0] === '' && names.length > 1
  if (isAbsolute || /\\|^\/?[A-Za-z]:/.test(path) || names.includes('..') || before === '..')
    throw outside('path: leaves the folder of tiles')
  if (before !== '') throw bad('path: begins with /')
  if (names.length > MOST_NAMES) throw bad(`path: at most ${MOST_NAMES} names`)
  if (!names.every(name => NAME.test(name))) throw bad('path: names of letters, digits, _ @ - and .')
  const contentType = TYPES.get(/\.([a-z]+)$/.exec(names.at(-1)!)?.[1])
  if (contentType === undefined) throw bad(`path: ends with one of ${[...TYPES.keys()].join(', ')}`)
  return { names, contentType }
}

export const outside = (message: string): OapError =>
  new OapError('policy', message, { code: 'outside_folder' })

const bad = (message: string): OapError => new OapError('bad_request', message, { code: 'bad_path' })
