import { federationAdminOperations } from '../../protocols/index.ts'
import type { Client } from '../../protocols/index.ts'
import { directOver } from '../capabilities/index.ts'
import { federationAdmin } from './admin-handlers.ts'
import type { FederationAdminOptions } from './admin-handlers.ts'

/** The operator's rows about hubs that may federate, whether a node answers them or this process does. */
export type FederationClient = Client<typeof federationAdminOperations>

/** The same without a node between. */
export const directFederation = (options: FederationAdminOptions): FederationClient =>
  directOver(federationAdminOperations, federationAdmin(options))
