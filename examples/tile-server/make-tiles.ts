import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MOST_ZOOM, islandTile } from './island.ts'

const [folder, deepest = '3'] = process.argv.slice(2)
const zoom = Number(deepest)

if (folder === undefined || !Number.isInteger(zoom) || zoom < 0 || zoom > MOST_ZOOM) {
  console.error(`usage: npx node make-tiles.ts FOLDER [ZOOM], ZOOM from 0 to ${MOST_ZOOM}`)
  process.exit(64)
}

let count = 0
for (let z = 0; z <= zoom; z++)
  for (let x = 0; x < 2 ** z; x++)
    for (let y = 0; y < 2 ** z; y++) {
      const file = join(folder, String(z), String(x), `${y}.png`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, islandTile(z, x, y))
      count++
    }
console.log(`${count} tiles in ${folder}`)
