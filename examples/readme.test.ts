import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parsePage } from '../docs/harness/page.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const FREE_PORT = `{ 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, `

test('the application in the README answers its client', { timeout: 60_000 }, async t => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const [shout = '', server = '', client = ''] = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(
    ([, code]) => code
  )
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.cache', 'readme-'))
  t.after(() => rm(folder, { recursive: true }))
  const run = (file: string): ChildProcessByStdio<null, Readable, null> =>
    spawn(process.execPath, [join(folder, file)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await writeFile(join(folder, 'shout.ts'), shout)
  await writeFile(join(folder, 'server.ts'), server.replace('flags: { ', `flags: ${FREE_PORT}`))

  const serving = run('server.ts')
  t.after(() => serving.kill('SIGKILL'))
  const ended = once(serving, 'close')
  const address = await firstAddress(serving.stdout)
  await writeFile(join(folder, 'client.ts'), client.replace('/ip4/127.0.0.1/tcp/4801', address))
  const answer = await text(run('client.ts').stdout)
  serving.kill('SIGINT')

  assert.equal(answer, 'HELLO\n')
  assert.deepEqual(await ended, [0, null])
})

for (const example of ['chat', 'echo', 'tile-server', 'worker']) {
  test(
    `what examples/${example} says to type runs a Node 24, whatever Node there is`,
    { timeout: 60_000 },
    async () => {
      const folder = join(ROOT, 'examples', example)
      const page = await readFile(join(folder, 'README.md'), 'utf8')
      const commands = parsePage(page).steps.map(({ command }) => command)
      // Without a network: it is the Node of the dependencies, or none.
      const env = { ...process.env, npm_config_offline: 'true' }

      for (const command of commands) assert.match(command, /^npx node /)
      const asked = spawn('npx', ['node', '-p', 'process.execPath + " " + process.version'], {
        cwd: folder,
        env: { ...env, PATH: withoutOurs(process.env['PATH']) },
        stdio: ['ignore', 'pipe', 'inherit']
      })

      assert.match(await text(asked.stdout), new RegExp(`^${ROOT}node_modules/.* v24\\.`))
    }
  )
}

/** The PATH of somebody who did not begin with npm. */
const withoutOurs = (path = ''): string =>
  path
    .split(delimiter)
    .filter(folder => !folder.includes('node_modules'))
    .join(delimiter)

async function firstAddress(output: Readable): Promise<string> {
  let printed = ''
  for await (const piece of output.iterator({ destroyOnReturn: false })) {
    printed += String(piece)
    const [, address] = /'(\/ip4\/[^']+)'/.exec(printed) ?? []
    if (address !== undefined) {
      output.resume()
      return address
    }
  }
  throw new Error(`the server printed no address: ${printed}`)
}
