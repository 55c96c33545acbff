import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

export interface EditorOptions {
  /** What the file is called while it is edited. */
  readonly name: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A text that a person made of another. */
export interface Edited {
  readonly text: string
  /** The file that it stands in, until `discard`. */
  readonly path: string
  readonly discard: () => Promise<void>
}

/**
 * What a person makes of a text in the editor of VISUAL or EDITOR, in a file that nobody else can read. @throws
 * CommandError `usage` where no editor is named, `failed` where it fails or leaves the text as it was.
 */
export async function editedText(text: string, { name, env }: EditorOptions): Promise<Edited> {
  const editor = [env['VISUAL'], env['EDITOR']].find(word => word !== undefined && word !== '')
  if (editor === undefined)
    throw new CommandError(EXIT.usage, 'no editor: set EDITOR to one, or give the new treaty with --file')
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-edit-'))
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, name)
    await writeFile(path, text, { mode: 0o600 })
    // The shell divides the words of EDITOR, as other programs have it do.
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new CommandError(EXIT.failed, `${editor} failed; nothing has changed`)
    const edited = await readFile(path, 'utf8')
    if (edited === text) throw new CommandError(EXIT.failed, 'the text is as it was; nothing has changed')
    return { text: edited, path, discard }
  } catch (error) {
    await discard()
    throw error
  }
}
