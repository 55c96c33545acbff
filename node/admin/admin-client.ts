import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ConnectionCaller, adminService } from '../../protocols/index.ts'
import type { Client, JsonObject } from '../../protocols/index.ts'
import { checkDataFolder } from '../data-folder.ts'
import { nodePlatform } from '../platform.ts'
import { SetupError } from '../setup-error.ts'
import { adminSocketPath } from './socket-path.ts'
import { SocketStream } from './socket-stream.ts'

/** What can be asked of the running node of a data folder. */
export interface AdminClient extends AsyncDisposable {
  status(): Promise<JsonObject>
}

/**
 * Talks to the node that runs on a data folder.
 * @throws SetupError `noInput` for a folder that is none, `unreachable` when no node runs there.
 */
export async function connectAdmin(dataFolder: string): Promise<AdminClient> {
  await checkDataFolder(dataFolder, { acceptEmpty: true })
  const sockets: Socket[] = []
  const caller = new ConnectionCaller({
    platform: nodePlatform,
    openStream: async () => {
      const socket = await open(dataFolder)
      sockets.push(socket)
      return new SocketStream(socket)
    }
  })
  await caller.shared()
  const admin: Client<(typeof adminService)['operations']> = caller.client(adminService)
  return {
    status: () => admin.status({}),
    async [Symbol.asyncDispose]() {
      await caller.end()
      for (const socket of sockets) socket.destroy()
    }
  }
}

function open(dataFolder: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: adminSocketPath(dataFolder), allowHalfOpen: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', cause => {
      const message = `no node runs on data folder ${dataFolder}; start one with: omnigate start --data ${dataFolder}`
      reject(new SetupError('unreachable', message, { cause }))
    })
  })
}
