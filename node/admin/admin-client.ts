import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import {
  ConnectionCaller,
  adminService,
  auditService,
  mailboxService,
  storageService
} from '../../protocols/index.ts'
import type {
  Client,
  JsonObject,
  auditAdminOperations,
  blobsAdminOperations,
  dhtAdminOperations,
  hardenAdminOperations,
  linksAdminOperations,
  policyAdminOperations,
  snapshotsAdminOperations,
  witnessAdminOperations
} from '../../protocols/index.ts'
import type { FederationClient } from '../allowlist/index.ts'
import type { CapabilityClient } from '../capabilities/index.ts'
import { checkDataFolder } from '../data-folder.ts'
import { nodePlatform } from '../platform.ts'
import { ownCommand } from '../own-command.ts'
import { SetupError, errorCode, systemError } from '../setup-error.ts'
import { adminSocketPath, checkSocketFolder } from './socket-path.ts'
import { SocketStream } from './socket-stream.ts'

/** What the system says of a socket that is not there, or that a dead node left. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED'])

/** The audit log and backups, whether a node answers or this process does. */
export interface AuditClient {
  readonly log: Client<(typeof auditService)['operations']>
  readonly admin: Client<typeof auditAdminOperations>
}

/** What can be asked of the running node of a data folder. */
export interface AdminClient extends AsyncDisposable {
  status(): Promise<JsonObject>
  readonly capabilities: CapabilityClient
  readonly audit: AuditClient
  readonly federation: FederationClient
  readonly hardening: Client<typeof hardenAdminOperations>
  /** Pairing, and calls over links. */
  readonly links: Client<typeof linksAdminOperations>
  /** Cosignatures of the audit log, and proofs that a hub said two things. */
  readonly witness: Client<typeof witnessAdminOperations>
  /** The acceptance policy, and items that wait for the operator. */
  readonly policy: Client<typeof policyAdminOperations>
  /** Snapshots of this hub and of linked ones. */
  readonly snapshots: Client<typeof snapshotsAdminOperations>
  /** The DHT of linked hubs, and fetches from them. */
  readonly dht: Client<typeof dhtAdminOperations>
  /** The mailbox of any tenant: calls name its id. */
  readonly mailbox: Client<(typeof mailboxService)['operations']>
  /** The blocks on the node's disk. */
  readonly blobs: Client<typeof blobsAdminOperations>
  /** The blobs of any tenant: calls name its id. */
  readonly storage: Client<(typeof storageService)['operations']>
}

/**
 * Talks to the node that runs on a data folder.
 * @throws SetupError `noInput` for a folder that is none, `unreachable` when no node runs there.
 */
export async function connectAdmin(dataFolder: string): Promise<AdminClient> {
  await checkDataFolder(dataFolder)
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
    capabilities: admin,
    federation: admin,
    hardening: admin,
    links: admin,
    witness: admin,
    policy: admin,
    snapshots: admin,
    dht: admin,
    blobs: admin,
    audit: { admin, log: caller.client(auditService) },
    mailbox: caller.client(mailboxService),
    storage: caller.client(storageService),
    async [Symbol.asyncDispose]() {
      await caller.end()
      for (const socket of sockets) socket.destroy()
    }
  }
}

async function open(dataFolder: string): Promise<Socket> {
  const path = adminSocketPath(dataFolder)
  try {
    await checkSocketFolder(path)
    const socket = connect({ path, allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  } catch (error) {
    if (!NOBODY.has(errorCode(error) ?? '')) throw systemError(path, error)
    const start = ownCommand('start', '--data', dataFolder)
    const message = `no node runs on data folder ${dataFolder}; start one with: ${start}`
    throw new SetupError('unreachable', message, { cause: error })
  }
}
