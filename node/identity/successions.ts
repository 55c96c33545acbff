import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Succession, parseSuccession, successionProblem } from '../../federation/index.ts'
import { readBoundedFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'

/** Beside the keys: by whose word this hub follows which, the oldest first, one a line. */
export const SUCCESSIONS_FILE = 'successions.ndjson'
const MAX_BYTES = 65_536

/** The successions that led to the hub of a folder of keys. @throws SetupError `badInput` naming what is wrong */
export async function readSuccessions(folder: string): Promise<readonly Succession[]> {
  const path = join(folder, SUCCESSIONS_FILE)
  if (!existsSync(path)) return []
  const text = await readBoundedFile(path, { maxBytes: MAX_BYTES })
  try {
    if (!text.endsWith('\n')) throw new SyntaxError('does not end with a line feed')
    const all = text.slice(0, -1).split('\n').map(parseSuccession)
    const problem = all.map(successionProblem).find(found => found !== undefined)
    if (problem !== undefined) throw new SyntaxError(problem)
    return all
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SetupError('badInput', `${path}: damaged (${error.message}); restore it from a backup`)
  }
}
