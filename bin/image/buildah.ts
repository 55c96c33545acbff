import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { run } from '../release/command.ts'

/** What an image says of how it runs. */
export interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
}

const LONG_MS = 600_000

/** buildah with a store of its own in a folder, so that it neither sees nor leaves images of the machine. */
export class Buildah {
  readonly #words: readonly string[]
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.#words = ['--root', `${folder}/store`, '--runroot', `${folder}/run`, '--storage-driver', 'vfs']
  }

  /** Files get the time 0, so that one release makes one image. */
  async build(context: string, name: string): Promise<void> {
    await this.#said('build', '--isolation', 'chroot', '--timestamp', '0', '--tag', name, context)
  }

  async archive(name: string, path: string): Promise<void> {
    await this.#said('push', name, `oci-archive:${path}:${name}`)
  }

  async configOf(name: string): Promise<ImageConfig> {
    const { OCIv1 } = JSON.parse(await this.#said('inspect', '--type', 'image', name)) as {
      OCIv1: { config: ImageConfig }
    }
    return OCIv1.config
  }

  /** The name of a container of an image. */
  async container(name: string): Promise<string> {
    return (await this.#said('from', name)).trim()
  }

  /** What a command in a container prints. */
  async ran(container: string, ...command: readonly string[]): Promise<string> {
    return await this.#said('run', '--isolation', 'chroot', container, '--', ...command)
  }

  /** A command in a container that goes on; it has the network of the machine. */
  started(
    container: string,
    env: Readonly<Record<string, string>>,
    command: readonly string[]
  ): ChildProcess {
    const set = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    const words = [...this.#words, 'run', '--isolation', 'chroot', ...set, container, '--', ...command]
    return spawn('buildah', words, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async #said(...words: readonly string[]): Promise<string> {
    return await run('buildah', [...this.#words, ...words], { cwd: this.#folder, timeoutMs: LONG_MS })
  }
}
