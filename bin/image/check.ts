import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { run } from '../release/command.ts'
import type { Buildah } from './buildah.ts'
import { USER_ID } from './context.ts'

const FREE_PORTS = { OMNIGATE_NODE__LISTEN: '/ip4/127.0.0.1/tcp/0', OMNIGATE_HTTP__LISTEN: '127.0.0.1:0' }

/** Starts an image as it says itself, calls it from inside and outside, and ends it; rejects where that goes wrong. */
export async function checkImage(buildah: Buildah, name: string, root: string): Promise<void> {
  const { User, Entrypoint, Cmd } = await buildah.configOf(name)
  assert.equal(User, `${USER_ID}:${USER_ID}`)
  const [node = ''] = Entrypoint
  const container = await buildah.container(name)
  const ids = await buildah.ran(container, node, '-p', 'process.getuid() + ":" + process.getgid()')
  assert.equal(ids.trim(), User)
  await assert.rejects(
    buildah.ran(container, node, '-e', `require('fs').writeFileSync('/opt/omnigate/x', '')`),
    /EACCES|EROFS/
  )

  const child = buildah.started(container, FREE_PORTS, [...Entrypoint, ...Cmd, '--json'])
  let problems = ''
  child.stderr?.on('data', (text: Buffer) => (problems = `${problems}${String(text)}`.slice(-4000)))
  const ended = once(child, 'close')
  try {
    const { pid, addresses, data } = await firstLine(child.stdout!, () => problems)
    assert.match(await buildah.ran(container, ...Entrypoint, 'status', '--data', data), /^hub +h1/m)
    const hello = ['bin/omnigate.mjs', 'hello', addresses[0] ?? '']
    assert.match(await run(process.execPath, hello, { cwd: root }), /^peer +12D3/m)
    process.kill(pid, 'SIGTERM')
    assert.deepEqual(await ended, [0, null], problems)
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
  }
}

interface Said {
  readonly pid: number
  readonly addresses: readonly string[]
  readonly data: string
}

async function firstLine(stdout: NodeJS.ReadableStream, problems: () => string): Promise<Said> {
  for await (const line of createInterface({ input: stdout })) return JSON.parse(line) as Said
  throw new Error(`the image ended before it served: ${problems()}`)
}
