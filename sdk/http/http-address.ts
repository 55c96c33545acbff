import { ConnectError } from '../connect-error.ts'

const MAX_CHARS = 1024
const SCHEME = /^https?:/i
const EXAMPLE = 'one looks like https://hub.example.org or http://127.0.0.1:4803'

/** Whether an address is one of HTTP, whole or not. */
export const isHttp = (address: string): boolean => SCHEME.test(address)

/** What stands before the path of each request, without a slash at its end. @throws ConnectError `bad_address` */
export function baseOf(address: string): string {
  const bad = (problem: string): ConnectError =>
    new ConnectError('bad_address', address.slice(0, 40), `${problem}; ${EXAMPLE}`)
  if (address.length > MAX_CHARS) throw bad(`longer than ${MAX_CHARS} characters`)
  if (!URL.canParse(address)) throw bad('not an address of HTTP')
  const { origin, pathname, username, password, search, hash } = new URL(address)
  // Said without the address: it holds a secret.
  if (username !== '' || password !== '')
    throw new ConnectError(
      'bad_address',
      origin,
      `give no name and password in it, but cap or token; ${EXAMPLE}`
    )
  if (search !== '' || hash !== '') throw bad('nothing may follow its path')
  return `${origin}${pathname.replace(/\/+$/, '')}`
}
