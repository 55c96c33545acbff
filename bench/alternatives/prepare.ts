import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NotAvailable } from '../harness/echo-contender.ts'

const NATS_SERVER = 'v2.15.2'
const HERE = fileURLToPath(new URL('.', import.meta.url))
const CACHE = fileURLToPath(new URL('../.cache/', import.meta.url))
const KUBO = 'v0.39.0'
const SWISS = 'v0.0.0-20260820225851-333444432258'
const PACKAGES = ['@grpc/grpc-js', '@nats-io/transport-node', '@nats-io/jetstream', 'redis', 'helia']
const REDIS_PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1']
const INSTALL_MS = 5 * 60_000
const BUILD_MS = 20 * 60_000
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
export const prepareNatsServer = (preparation: Preparation): Promise<string> =>
  prepareGoProgram('nats-server', NATS_SERVER, preparation, {
    build: ['install', `github.com/nats-io/nats-server/v2@${NATS_SERVER}`]
  })

/** Path of Kubo's command of the pinned version, in the same way; it takes ten minutes. */
export const prepareKubo = (preparation: Preparation): Promise<string> =>
  prepareGoProgram('ipfs', KUBO, preparation, {
    // A module of its own: one of Kubo's own requirements is older than the compiler that it then does not know.
    module: `module bench\n\ngo 1.25.0\n\nrequire (\n\tgithub.com/cockroachdb/swiss ${SWISS}\n\tgithub.com/ipfs/kubo ${KUBO}\n)\n`,
    build: ['build', '-o', 'ipfs', 'github.com/ipfs/kubo/cmd/ipfs']
  })

async function prepareGoProgram(
  name: string,
  version: string,
  { install }: Preparation,
  { module, build }: { readonly module?: string; readonly build: readonly string[] }
): Promise<string> {
  const folder = `${CACHE}${name}-${version}`
  const program = `${folder}/${name}`
  if (existsSync(program)) return program
  if (!install) throw new NotAvailable(`${name} is not built, and this run builds nothing`)
  await mkdir(folder, { recursive: true })
  if (module !== undefined) await writeFile(`${folder}/go.mod`, module)
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' }
  const built = run('go', [...build], { env, cwd: folder, timeout: BUILD_MS })
  await attempt(`go ${build[0]} of ${name} ${version}`, built)
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
