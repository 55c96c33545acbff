import { hubId } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import { FIRST_TREATY } from './treaty.ts'

export const NOW_S = 1_800_000_000
export const TENANT = '11111111-2222-4333-8444-555555555555'

// The public keys of three of RFC 8032's examples.
const [self = '', clinic = '', university = ''] = [
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'
].map(key => hubId(Buffer.from(key, 'hex')))

export const SELF = self
export const CLINIC = clinic
export const UNIVERSITY = university
export const SHARE = '0a'.repeat(16)

/** The first treaty with one share of a tenant. */
export const treatyOn = (tenant: string): Treaty => ({
  ...FIRST_TREATY,
  rows: [{ share: { id: SHARE, name: 'dispatch' }, dir: 'in', tenant, topics: ['dispatch/*'], relay: false }]
})
