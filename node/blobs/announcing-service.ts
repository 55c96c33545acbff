import { parseCid } from '../../protocols/index.ts'
import type { Cid, Handlers, Service, storageService } from '../../protocols/index.ts'

type StorageOperations = (typeof storageService)['operations']

/** Who announces roots. Neither call may fail: what is missed is found at the next start. */
export interface Announcements {
  /** A root has become public. */
  readonly announce: (cid: Cid) => void
  /** A root may be public no more. */
  readonly review: (cid: Cid) => void
}

/** The storage service of a node that announces the public roots that it gets, and no longer those that go. */
export function announcing(
  inner: Service<StorageOperations>,
  { announce, review }: Announcements
): Service<StorageOperations> {
  const put: Handlers<StorageOperations>['put'] = async (request, call) => {
    const answer = await inner.handlers.put(request, call)
    const cid = parseCid(answer.cid)
    if (request.class === 'public') announce(cid)
    else review(cid)
    return answer
  }
  const remove: Handlers<StorageOperations>['delete'] = async (request, call) => {
    const answer = await inner.handlers.delete(request, call)
    review(parseCid(request.cid))
    return answer
  }
  return { table: inner.table, handlers: { ...inner.handlers, put, delete: remove } }
}
