import type { Series } from './book.ts'
import type { SeriesName } from './rows.ts'

/** Who can be asked for what was announced. */
interface Asked {
  readonly hub: string
  hint(name: SeriesName): void
}

/**
 * A hub did not have what is claimed of a series: the others are asked, but for those that lacked it, too, since more of it
 * was claimed. So a number that nobody has costs a question to each, and comes with an announcement or a later round.
 */
export function askOthersFor(series: Series | undefined, lacking: string, all: Iterable<Asked>): void {
  series?.lackedBy.add(lacking)
  for (const other of all) if (series !== undefined && !series.lackedBy.has(other.hub)) other.hint(series)
}
