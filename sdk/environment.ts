import { readFile } from 'node:fs/promises'
import type { ClientOptions } from './create-client.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** What RON_NODE_URL, RON_CAP and OMNIGATE_CLIENT_KEY say; the last names a file. Throws TypeError where it cannot be read. */
export async function environmentOf(
  variables: Variables
): Promise<Pick<ClientOptions, 'url' | 'cap' | 'key'>> {
  const { RON_NODE_URL: url, RON_CAP: cap, OMNIGATE_CLIENT_KEY: file } = variables
  return {
    ...(url && { url }),
    ...(cap && { cap }),
    ...(file && { key: await keyText(file) })
  }
}

const keyText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TypeError(`OMNIGATE_CLIENT_KEY: ${file} cannot be read`, { cause })
  })
