#!/usr/bin/env node
// @ts-check
// Any Node from 12 on must be able to read this file and those that it imports before it has found a newer one.
import { existsSync, realpathSync } from 'fs'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'
import {
  bundledNode,
  continueWith,
  isUsable,
  needsNewerNode,
  nodeFlags,
  refuse,
  runUnder
} from './runtime.mjs'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const isCheckout = existsSync(join(root, 'cli', 'main.ts'))

async function launch() {
  if (isCheckout) {
    const { ensureInstalled } = await import('./bootstrap.mjs')
    await ensureInstalled(root)
  }
  const flags = nodeFlags(process.argv.slice(2), process.env)
  if (isUsable(process.version)) {
    continueWith(flags)
    await rememberCompiledCode()
    await loadInLittleMemory()
    const { main } = await import(isCheckout ? '../cli/main.ts' : '../cli/main.js')
    process.exitCode = await main(process.argv.slice(2))
    // A Ctrl-C may come twice. Node takes its signal handlers down before it ends by itself, and would die of the second.
    if (process.argv[2] === 'start') process.exit()
    return
  }
  const node = bundledNode(root, process.platform, process.arch)
  if (node === undefined) refuse(needsNewerNode(process.version))
  else runUnder(node, flags.concat(calledAs(), process.argv.slice(2)))
}

// The link that npm made for the command, if we were called by it: hints repeat it.
function calledAs() {
  const script = process.argv[1] || self
  return realpathSync(script) === self ? script : self
}

// Half of a start is compiling. The folder is as private as the installation itself; where it cannot be written,
// nothing is kept.
async function rememberCompiledCode() {
  const { enableCompileCache } = await import('module')
  enableCompileCache(join(isCheckout ? join(root, 'node_modules') : dirname(root), '.cache', 'omnigate'))
}

// Loading the code of a node lets V8 make its young generation 16 times as large, and a node that idles never gives that
// back: 20 MB. The command lets it grow again once the node serves.
async function loadInLittleMemory() {
  if (process.argv[2] === 'start') (await import('v8')).setFlagsFromString('--semi-space-growth-factor=1')
}

const EXIT_BUG = 70

launch().catch(error => {
  const isKnown = error && typeof error.exitCode === 'number'
  process.stderr.write(
    'omnigate: ' + ((isKnown ? error.message : error && error.stack) || String(error)) + '\n'
  )
  process.exitCode = isKnown ? error.exitCode : EXIT_BUG
})
