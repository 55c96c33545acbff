// Compares what the package exports with docs/api.md, and with the last release: `npm run api`, `npm run api -- --write`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareExports, versionProblem } from './api/change.ts'
import { exportsOfCheckout } from './api/emitted.ts'
import { releasedReport, releasedVersions } from './api/released.ts'
import { parseReport, printReport } from './api/report.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const page = join(root, 'docs', 'api.md')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const words = process.argv.slice(2)
if (words.some(word => word !== '--write')) refuse('the only option is --write', 64)

const exports = exportsOfCheckout(root)
if (words.includes('--write')) writeFileSync(page, printReport(version, exports))
else checkRecorded()
checkReleased()

function checkRecorded(): void {
  const recorded = readFileSync(page, 'utf8')
  if (recorded === printReport(version, exports)) {
    console.log(`docs/api.md is what ${version} exports`)
    return
  }
  const { lines } = compareExports(parseReport(recorded).exports, exports)
  refuse(
    `docs/api.md is not what the code exports (${lines.join('; ') || 'version or form'}); run: npm run api -- --write`,
    1
  )
}

function checkReleased(): void {
  const last = releasedVersions(root).at(-1)
  if (last === undefined) {
    console.log('no release yet in releases/: nothing to be compatible with')
    return
  }
  const change = compareExports(parseReport(releasedReport(root, last)).exports, exports)
  const problem = versionProblem(last, version, change)
  if (problem !== undefined) refuse(problem, 1)
  console.log(`since ${last}: ${change.lines.join('; ') || 'no export changed'}`)
}

function refuse(problem: string, code: number): never {
  console.error(`api: ${problem}`)
  process.exit(code)
}
