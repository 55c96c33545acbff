import { existsSync } from 'node:fs'

/** @throws Error that names the command to install it with, where a file of other software is not there. */
export function demandInstalled(path: string, command: string): void {
  if (!existsSync(path)) throw new Error(`${path} is not there; install it with: ${command}`)
}
