import { basename, relative, sep } from 'node:path'

const NAMES = new Set(['omnigate', 'ronctl'])

/** How this program was called, so that a command line that we print works when it is pasted. */
export function selfCommand(
  script: string | undefined = process.argv[1],
  cwd: string = process.cwd()
): string {
  if (script === undefined) return 'omnigate'
  const name = basename(script)
  if (name.endsWith('.mjs')) {
    const near = relative(cwd, script)
    return `node ${shellWord((near.length < script.length ? near : script).split(sep).join('/'))}`
  }
  if (!NAMES.has(name)) return 'omnigate'
  return script.includes('node_modules') ? `npx ${name}` : name
}

/** A command line of ours, as examples and messages write it: `omnigate init`, in the way that we were called. */
export const asCalled = (line: string): string =>
  line.replaceAll(/\bomnigate (?=[a-z-])/g, `${selfCommand()} `)

/** `text` as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
