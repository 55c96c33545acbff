// Builds the container image of configs/Containerfile: `npm run image`. Leaves it in .cache/image/ as an OCI archive, which
// `podman load` and its like take. `-- --context` stops before buildah, `-- --check` runs what was built, as its user.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Buildah } from './image/buildah.ts'
import { checkImage } from './image/check.ts'
import { writeContext } from './image/context.ts'
import { copyCheckout } from './release/checkout-copy.ts'
import { ownNodeFolder } from './release/node-folders.ts'
import { buildTarball } from './release/tarball.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const words = process.argv.slice(2)
const unknown = words.find(word => word !== '--context' && word !== '--check')
if (unknown !== undefined) fail(`${unknown}: give --context, --check or nothing`, 64)

const out = join(root, '.cache', 'image')
const context = join(out, 'context')
const folder = mkdtempSync(join(tmpdir(), 'omnigate-image-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
mkdirSync(out, { recursive: true })
const isChecked = words.includes('--check')

const tarball = await step('build and pack', () =>
  buildTarball(copyCheckout(root, join(folder, 'omnigate')), ownNodeFolder(), folder)
)
await step(`${context}: the release, its Node and what they load`, () =>
  writeContext(context, {
    recipe: join(root, 'configs', 'Containerfile'),
    tarball: tarball.path,
    nodeFolder: ownNodeFolder()
  })
)
if (!words.includes('--context')) await build()

async function build(): Promise<void> {
  const name = `omnigate:${tarball.version}`
  const archive = join(out, `omnigate-${tarball.version}.oci.tar`)
  rmSync(archive, { force: true })
  const buildah = new Buildah(folder)
  await step(`image ${name}`, () => buildah.build(context, name))
  await step(archive, () => buildah.archive(name, archive))
  if (isChecked)
    await step('it runs as its own user, answers, and ends', () => checkImage(buildah, name, root))
}

async function step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    const result = await work()
    console.log(`pass ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${name}`)
    return result
  } catch (error) {
    return fail(`${name}: ${error instanceof Error ? error.message : String(error)}`, 1)
  }
}

function fail(problem: string, code: number): never {
  console.error(`image: ${problem}`)
  process.exit(code)
}
