import { cp, chmod } from 'node:fs/promises'
import { brief, eventually, msSince, must, tell } from './told.ts'
import { linked } from './pair.ts'
import type { Hub } from './hub.ts'

/** The audit log of a hub as it stands, cosigned by all its linked hubs. */
export async function witnesses(hub: Hub, count: number): Promise<void> {
  const { size, signed } = await cosigned(hub, count)
  tell(
    'witnessed',
    `the ${size} entries of the audit log of ${hub.name} have the cosignatures of ${signed.join(' and ')}`
  )
}

/** A hub whose folder was copied goes on in two ways under one name; the others see it and no longer trust it. */
export async function liar(lying: Hub, others: readonly Hub[]): Promise<void> {
  await lying.kill()
  const copy = `${lying.data}-copy`
  // What lies there beside files is the socket of the node that was killed.
  await cp(lying.data, copy, { recursive: true, filter: path => !path.endsWith('.sock') })
  await chmod(copy, 0o700)
  await lying.start()
  for (const other of others) await linked(lying, other)
  await grow(lying, others[0]!, 3)
  const { size } = await cosigned(lying, others.length)
  await lying.kill()
  await lying.start(copy)
  for (const other of others) await linked(lying, other)
  await grow(lying, others[0]!, size)
  const since = performance.now()
  const proofs = new Set<string>()
  for (const other of others) {
    const { id } = await eventually(`the proof at ${other.name}`, async () => {
      await lying.operator.witness.audit_cosign({})
      return proofOf(other, lying)
    })
    const { state } = await other.operator.federation.peer_show({ hub: lying.id })
    must(state === 'quarantined', `${other.name} has the liar in quarantine`)
    proofs.add(id)
  }
  tell(
    'caught',
    `${lying.name} went on in two ways from a copy of its folder; ${others.map(({ name }) => name).join(' and ')} hold proof ${[...proofs].map(brief).join(', ')} and keep it in quarantine, ${msSince(since)} after it asked for a signature`
  )
}

/** Asks until so many hubs have cosigned: a witness may not be known as one at first. */
async function cosigned(hub: Hub, count: number): Promise<{ size: number; signed: readonly string[] }> {
  return eventually(`${count} cosignatures for ${hub.name}`, async () => {
    const { size, cosigned: by } = await hub.operator.witness.audit_cosign({})
    return by.length === count ? { size, signed: by.map(({ hub: id }) => brief(id)).sort() } : undefined
  })
}

/** Entries of the audit log, of changes that change nothing. */
async function grow({ operator }: Hub, other: Hub, entries: number): Promise<void> {
  for (let n = 0; n < entries; n++) await operator.federation.peer_edit({ hub: other.id, note: `note ${n}` })
}

async function proofOf({ operator }: Hub, about: Hub): Promise<{ readonly id: string } | undefined> {
  for await (const proof of await operator.witness.equivocation_list({}))
    if (proof.hub === about.id) return proof
  return undefined
}
