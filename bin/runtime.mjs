// @ts-check
// Any Node from 12 on must be able to read this file: it finds the one that Omnigate needs.
import { spawn } from 'child_process'
import { existsSync, readFileSync } from 'fs'
import { dirname, join } from 'path'

export const NEEDED_MAJOR = 24
export const EXIT_NOT_SET_UP = 78

const YOUNG_HALF_FLAG = '--max-semi-space-size'
const NO_PRETENURING_FLAG = '--no-allocation-site-pretenuring'

/** @type {NodeJS.Signals[]} */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP']
// npm and the terminal may both deliver one Ctrl-C; within this time it is one signal.
const SAME_SIGNAL_MS = 1000

/** @param {string} version such as `v20.11.0` or `24.21.0` */
export function isUsable(version) {
  return parseInt(version.replace(/^v/, ''), 10) >= NEEDED_MAJOR
}

/**
 * The npm package that carries the Node binary for a machine.
 * @param {string} platform @param {string} arch
 */
export function runtimePackage(platform, arch) {
  return 'node-' + (platform === 'win32' ? 'win' : platform) + '-' + arch
}

/**
 * The bundled Node in node_modules of a folder or of any folder above it, as npm may have hoisted it.
 * @param {string} from @param {string} platform @param {string} arch
 * @returns {string | undefined}
 */
export function bundledNode(from, platform, arch) {
  for (let folder = from; ; folder = dirname(folder)) {
    const carrier = join(folder, 'node_modules', runtimePackage(platform, arch))
    const binary = join(carrier, 'bin', platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(binary) && isUsable(versionIn(carrier))) return binary
    if (dirname(folder) === folder) return undefined
  }
}

/**
 * Runs a script under another Node in place of this process: same terminal, same signals, same end.
 * @param {string} node @param {string[]} args
 */
export function runUnder(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  const signals = forwardSignals(child)
  child.on('error', error => refuse(node + ' does not start: ' + error.message))
  child.on('exit', (code, signal) => {
    signals.forget()
    if (signal) process.kill(process.pid, signal)
    else process.exit(code === null ? 1 : code)
  })
}

/**
 * Flags that a node runs with. A young generation of at most 8 MiB a half costs a node no speed that could be measured,
 * and keeps a flood from taking 128 MiB for garbage; V8 takes its bound only when a process starts. Nothing is born old: the
 * parts of a session that V8 puts there at once keep all the rest of it from being collected with the young.
 * @param {readonly string[]} args of the command line @param {NodeJS.ProcessEnv} env
 */
export function nodeFlags(args, env) {
  if (args[0] !== 'start') return []
  const isChosen = String(env.NODE_OPTIONS || '').indexOf(YOUNG_HALF_FLAG) !== -1
  return isChosen ? [NO_PRETENURING_FLAG] : [YOUNG_HALF_FLAG + '=8', NO_PRETENURING_FLAG]
}

/**
 * Goes on as the same process under the same Node with `flags`, if it lacks them and the platform can.
 * @param {readonly string[]} flags
 */
export function continueWith(flags) {
  const lacks = flags.filter(flag => process.execArgv.indexOf(flag) === -1)
  if (lacks.length === 0 || typeof process.execve !== 'function') return
  const args = [process.execPath].concat(lacks, process.execArgv, process.argv.slice(1))
  process.execve(process.execPath, args, process.env)
}

/** @param {string} problem @returns {never} */
export function refuse(problem) {
  process.stderr.write('omnigate: ' + problem + '\n')
  process.exit(EXIT_NOT_SET_UP)
}

/** @param {string} version the Node that we run under */
export function needsNewerNode(version) {
  return (
    'needs Node ' +
    NEEDED_MAJOR +
    ' or newer, this is ' +
    version +
    ', and none is bundled for this machine; ' +
    'install one, for example with: nvm install ' +
    NEEDED_MAJOR
  )
}

/** @param {string} carrier */
function versionIn(carrier) {
  try {
    return String(JSON.parse(readFileSync(join(carrier, 'package.json'), 'utf8')).version)
  } catch {
    return ''
  }
}

/**
 * Hands the signals that this process gets to a child, each once, until told to forget it.
 * @param {import('child_process').ChildProcess} child
 */
export function forwardSignals(child) {
  /** @type {NodeJS.Signals | undefined} */
  let received
  const handlers = FORWARDED.map(signal => {
    let last = -Infinity
    const handler = () => {
      const now = Date.now()
      if (now - last < SAME_SIGNAL_MS) return
      last = now
      received = signal
      child.kill(signal)
    }
    process.on(signal, handler)
    return { signal, handler }
  })
  return {
    received: () => received,
    forget: () => handlers.forEach(({ signal, handler }) => process.removeListener(signal, handler))
  }
}
