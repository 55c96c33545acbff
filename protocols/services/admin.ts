import { auditAdminOperations } from './audit-admin.ts'
import { blobsAdminOperations } from './blobs-admin.ts'
import { capabilityAdminOperations } from './capability-admin.ts'
import { dhtAdminOperations } from './dht-admin.ts'
import { federationAdminOperations } from './federation-admin.ts'
import { hardenAdminOperations } from './harden-admin.ts'
import { linksAdminOperations } from './links-admin.ts'
import { witnessAdminOperations } from './witness-admin.ts'
import { policyAdminOperations } from './policy-admin.ts'
import { snapshotsAdminOperations } from './snapshots-admin.ts'
import { defineService, header, jsonObject, unary } from '../service.ts'

/** App 0x0003: what the operator's own commands ask of a running node. Served on the local socket only. */
export const adminService = defineService({
  name: 'admin',
  app: 0x0003,
  operations: {
    status: unary({ verb: 'admin:status', request: header({}), answer: jsonObject }),
    ...capabilityAdminOperations,
    ...auditAdminOperations,
    ...hardenAdminOperations,
    ...federationAdminOperations,
    ...linksAdminOperations,
    ...policyAdminOperations,
    ...dhtAdminOperations,
    ...blobsAdminOperations,
    ...witnessAdminOperations,
    ...snapshotsAdminOperations
  }
})
