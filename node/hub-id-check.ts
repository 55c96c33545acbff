import { hubPublicKey } from '../federation/index.ts'
import { OapError } from '../protocols/index.ts'

/** @throws OapError `bad_request` for what is no hub id, with where one is found */
export function checkHubId(hub: string): void {
  if (hubPublicKey(hub) === undefined)
    throw new OapError(
      'bad_request',
      'hub: not a hub id; it is h1 and 52 letters and digits, as key show prints it'
    )
}
