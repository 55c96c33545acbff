// @ts-check
// What `npm test` needs before it runs; `omnigate` does the same by itself.
import { dirname } from 'path'
import { fileURLToPath } from 'url'
import { ensureInstalled } from './bootstrap.mjs'
import { bundledNode, isUsable, needsNewerNode, refuse } from './runtime.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

ensureInstalled(root)
  .then(() => {
    const found = isUsable(process.version) || bundledNode(root, process.platform, process.arch)
    if (!found) refuse(needsNewerNode(process.version))
  })
  .catch(error => refuse(error.message))
