import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

const RUNTIME = new URL('./runtime.mjs', import.meta.url).href
const WAITING = `process.on('SIGTERM', () => { console.log('SIGTERM'); clearInterval(timer) })
  const timer = setInterval(() => {}, 1000); console.log('ready')`

test('the exit code of the program is that of the launcher', async () => {
  const { ended } = launch('process.exit(3)')

  assert.deepEqual(await ended, [3, null])
})

test('a program that a signal ended ends its launcher by the same signal', async () => {
  const { ended } = launch(`process.kill(process.pid, 'SIGKILL')`)

  assert.deepEqual(await ended, [null, 'SIGKILL'])
})

test('a signal to the launcher reaches the program once, which may end in its own way', async () => {
  const { launcher, lines, ended } = launch(WAITING)
  await once(launcher.stdout, 'data')

  launcher.kill('SIGTERM')
  launcher.kill('SIGTERM')

  assert.deepEqual(await ended, [0, null])
  assert.deepEqual(lines(), ['ready', 'SIGTERM'])
})

test('a Node that does not start ends with 78 and says which', async () => {
  const { ended, complaint } = launch('', '/nowhere/node')

  assert.deepEqual(await ended, [78, null])
  assert.match(complaint(), /^omnigate: \/nowhere\/node does not start: .*ENOENT\n$/)
})

function launch(program: string, node = process.execPath) {
  const words = JSON.stringify([node, ['--eval', program]])
  const script = `import { runUnder } from '${RUNTIME}'; runUnder(...${words})`
  const launcher = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'pipe' })
  let [output, errors] = ['', '']
  launcher.stdout.on('data', chunk => (output += chunk))
  launcher.stderr.on('data', chunk => (errors += chunk))
  const ended = once(launcher, 'close')
  return { launcher, ended, lines: () => output.trim().split('\n'), complaint: () => errors }
}
