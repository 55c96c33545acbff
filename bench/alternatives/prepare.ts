import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NotAvailable } from '../harness/echo-contender.ts'

const NATS_SERVER = 'v2.15.2'
const HERE = fileURLToPath(new URL('.', import.meta.url))
const CACHE = fileURLToPath(new URL('../.cache/', import.meta.url))
const PACKAGES = ['@grpc/grpc-js', '@nats-io/transport-node', '@nats-io/jetstream', 'redis']
const REDIS_PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1']
const INSTALL_MS = 5 * 60_000
const TRY_MS = 10_000
const run = promisify(execFile)

export interface Preparation {
  /** False: use what an earlier run left, fetch and build nothing. */
  readonly install: boolean
}

/** Installs the npm packages of this folder from its lock file, unless they are there. */
export async function preparePackages({ install }: Preparation): Promise<void> {
  if (PACKAGES.every(name => existsSync(`${HERE}node_modules/${name}`))) return
  if (!install)
    throw new NotAvailable('packages of bench/alternatives are not installed, and this run installs nothing')
  await attempt(
    'npm ci in bench/alternatives',
    run('npm', ['ci', '--ignore-scripts'], { cwd: HERE, timeout: INSTALL_MS })
  )
}

/** Path of a nats-server of the pinned version, built from its Go module when it is not in the cache. */
export async function prepareNatsServer({ install }: Preparation): Promise<string> {
  const folder = `${CACHE}nats-server-${NATS_SERVER}`
  const program = `${folder}/nats-server`
  if (existsSync(program)) return program
  if (!install) throw new NotAvailable('nats-server is not built, and this run builds nothing')
  await mkdir(folder, { recursive: true })
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' }
  const build = run('go', ['install', `github.com/nats-io/nats-server/v2@${NATS_SERVER}`], {
    env,
    cwd: folder,
    timeout: INSTALL_MS
  })
  await attempt(`go install of nats-server ${NATS_SERVER}`, build)
  return program
}

/** Path of the redis-server that the system has, else of Debian's, unpacked into the cache. */
export async function prepareRedisServer({ install }: Preparation): Promise<string> {
  const found = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find(path => existsSync(path))
  if (found !== undefined) return found
  const folder = `${CACHE}redis`
  const program = `${folder}/redis-server`
  if (existsSync(program)) return program
  if (!install) throw new NotAvailable('redis-server is not unpacked, and this run fetches nothing')
  await mkdir(folder, { recursive: true })
  const options = { cwd: folder, timeout: INSTALL_MS }
  await attempt('apt-get download of redis-server', run('apt-get', ['download', ...REDIS_PACKAGES], options))
  const script =
    'for file in *.deb; do dpkg-deb -x "$file" root; done; ' +
    `printf '#!/bin/sh\\nLD_LIBRARY_PATH=%s exec %s "$@"\\n' "$(echo "$PWD"/root/usr/lib/*-linux-gnu)" ` +
    '"$PWD/root/usr/bin/redis-server" > redis-server; chmod +x redis-server'
  await attempt('unpacking redis-server', run('sh', ['-ec', script], options))
  return program
}

/** @throws NotAvailable where there is no openssl, which makes the certificate, or a redis-server that knows no TLS. */
export async function checkTls(redisServer: string): Promise<void> {
  await attempt('openssl version', run('openssl', ['version'], { timeout: TRY_MS }))
  // It ends at the first option that it does not know: the second of these, or without TLS the first.
  const asked = ['--tls-auth-clients', 'no', '--known-to-none', 'yes']
  const said = await run(redisServer, asked, { timeout: TRY_MS }).catch(
    ({ stderr = '' }: { stderr?: string }) => ({ stderr })
  )
  if (!said.stderr.includes('known-to-none')) throw new NotAvailable('redis-server: built without TLS')
}

async function attempt(what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    const reason =
      code === 'ENOENT' ? 'the program is not installed' : (stderr.trim().split('\n').at(-1) ?? '')
    throw new NotAvailable(`${what}: ${reason || (error as Error).message}`)
  }
}
