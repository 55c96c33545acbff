import { basename, relative } from 'node:path'

const NAMES: readonly string[] = ['omnigate', 'ronctl']

/** A command line of this program as whoever reads a message can type it: the way it was called this time. */
export function ownCommand(...words: readonly string[]): string {
  return [calledAs(process.argv[1], process.cwd()), ...words.map(shellWord)].join(' ')
}

/** How the program of `script` is called from `cwd`; `npx omnigate` when another program runs the node. */
export function calledAs(script: string | undefined, cwd: string): string {
  const name = basename(script ?? '')
  if (script !== undefined && name === 'omnigate.mjs') {
    const near = relative(cwd, script)
    return `node ${shellWord(near.length < script.length ? near : script)}`
  }
  if (!NAMES.includes(name)) return 'npx omnigate'
  return script?.includes('node_modules') === true ? `npx ${name}` : name
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
