// @ts-check
// Any Node from 12 on must be able to read this file.
import fs from 'fs'
import { join } from 'path'

const POLL_MS = 200
const STALE_MS = 15 * 60 * 1000

/**
 * Waits until no other process installs in this checkout, and gives the function that lets the next one in.
 * The lock lies beside node_modules, which npm empties, and names its owner, so that one who died does not hold it.
 * @param {string} root
 * @returns {Promise<() => void>}
 */
export async function takeInstallLock(root) {
  const folder = join(root, '.cache')
  const lock = join(folder, 'install.lock')
  const mine = lock + '.' + process.pid
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(mine, String(process.pid))
  const release = () => removeIf(lock, String(process.pid))
  try {
    for (let told = false; !linked(mine, lock);) {
      if (dropDeadLock(lock)) continue
      if (!told)
        process.stderr.write('omnigate: another process is installing the dependencies, waiting for it\n')
      told = true
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  } finally {
    fs.unlinkSync(mine)
  }
  process.on('exit', release)
  return release
}

/** @param {string} from @param {string} to */
function linked(from, to) {
  try {
    fs.linkSync(from, to)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/** @param {string} lock */
function dropDeadLock(lock) {
  const owner = readOr(lock, '')
  const isHeld = isAlive(Number(owner)) && ageMs(lock) < STALE_MS
  return !isHeld && removeIf(lock, owner)
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** @param {string} path @param {string} content */
function removeIf(path, content) {
  if (readOr(path, '') !== content) return false
  try {
    fs.unlinkSync(path)
  } catch {
    return false
  }
  return true
}

/** @param {string} path */
function ageMs(path) {
  try {
    return Date.now() - fs.statSync(path).mtimeMs
  } catch {
    return 0
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
