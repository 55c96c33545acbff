import { basename, relative } from 'node:path'

/** How this program was called, so that a command line that we print works when it is pasted. */
export function selfCommand(
  script: string | undefined = process.argv[1],
  cwd: string = process.cwd()
): string {
  const name = basename(script ?? 'omnigate')
  if (!name.endsWith('.mjs')) return script?.includes('node_modules') === true ? `npx ${name}` : name
  const near = relative(cwd, script ?? name)
  return `node ${shellWord(near.length < (script ?? '').length ? near : (script ?? name))}`
}

/** `text` as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
