import { OapError } from '../../protocols/index.ts'
import type { FetchReport } from './fetch-report.ts'

/**
 * A blob that could not be had: `not_found` when nobody has it, `bad_range` when all say
 * so who were asked, `deadline` when there was no more time, else `upstream`.
 * The report is for this node's own people: it names peers, and is no part of what a caller sees.
 */
export class FetchFailed extends OapError {
  readonly report: FetchReport

  constructor(report: FetchReport, { isLate = false }: { isLate?: boolean } = {}) {
    const isOutside =
      report.providers.length > 0 && report.providers.every(({ detail }) => detail === 'bad_range')
    const isUnknown = report.providers.every(({ ended }) => ended === 'not_found')
    if (isLate) super('deadline', 'the blob did not come in time')
    else if (isOutside)
      super('bad_request', 'range: all providers say that it is none', { code: 'bad_range' })
    else if (isUnknown) super('not_found')
    else super('upstream', 'no provider gave all of the blob')
    this.report = report
  }
}
