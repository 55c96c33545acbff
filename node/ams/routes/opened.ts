import { OapError } from '../../../protocols/index.ts'
import type { AmsParts, AmsStores } from './parts.ts'

/** @throws OapError `not_ready` while the stores are not open */
export function opened({ stores }: Pick<AmsParts, 'stores'>): AmsStores {
  const open = stores()
  if (open === undefined) throw new OapError('not_ready', 'the store is not open; ask again')
  return open
}

/** A store that is to be written to. @throws OapError `saturated` where too much waits for that */
export function withRoom<S extends { readonly isFull: boolean }>(store: S): S {
  if (store.isFull) throw new OapError('saturated', 'too much waits to be written; ask again')
  return store
}
