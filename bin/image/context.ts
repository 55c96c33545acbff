import { cpSync, globSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../release/command.ts'
import { installTarball } from '../release/empty-project.ts'

/** Where the image has the program. */
const PROGRAM = '/opt/omnigate'
/** Nobody of the machine that it runs on. */
export const USER_ID = 10001

const PASSWD = `root:x:0:0:root:/:/sbin/nologin\nomnigate:x:${USER_ID}:${USER_ID}:Omnigate:/var/lib/omnigate:/sbin/nologin\n`
const GROUP = `root:x:0:\nomnigate:x:${USER_ID}:\n`

/**
 * Makes the folder that configs/Containerfile is built from: a packed release installed with the Node that it brings, the
 * shared objects of this machine that they load, and names for the user. Needs no rights but those on the folder.
 */
export async function writeContext(
  folder: string,
  {
    recipe,
    tarball,
    nodeFolder
  }: { readonly recipe: string; readonly tarball: string; readonly nodeFolder: string }
): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  const rootfs = join(folder, 'rootfs')
  const program = join(rootfs, PROGRAM)
  await installTarball(tarball, nodeFolder, program)
  for (const object of await sharedObjects(program)) {
    mkdirSync(dirname(join(rootfs, object)), { recursive: true })
    cpSync(realpathSync(object), join(rootfs, object))
  }
  mkdirSync(join(rootfs, 'etc'))
  writeFileSync(join(rootfs, 'etc', 'passwd'), PASSWD)
  writeFileSync(join(rootfs, 'etc', 'group'), GROUP)
  mkdirSync(join(rootfs, 'tmp'), { mode: 0o1777 })
  mkdirSync(join(rootfs, 'var', 'lib'), { recursive: true })
  mkdirSync(join(folder, 'data', 'omnigate'), { recursive: true, mode: 0o700 })
  cpSync(recipe, join(folder, 'Containerfile'))
}

/** What the bundled Node and the store's addon load, by their paths here. */
async function sharedObjects(program: string): Promise<readonly string[]> {
  const node = realpathSync(join(program, 'node_modules', '.bin', 'node'))
  const addons = globSync(`node_modules/*/prebuilds/linux-${process.arch}/*.node`, { cwd: program })
  const listed: string[] = []
  for (const file of [node, ...addons.map(each => join(program, each))])
    listed.push(await run('ldd', [file], { cwd: program }))
  const paths = listed.join('\n').matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)
  return [...new Set([...paths].map(([, path]) => path!))]
}
