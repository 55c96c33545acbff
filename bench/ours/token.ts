import type { OmnigateNode } from 'omnigate'

const UNBOUNDED = 1_000_000_000

/** Three caveats, as a client's token has: the verbs, the time, and the rate in the place of its peer. Base64url. */
export async function tokenText(
  node: OmnigateNode,
  verbs: readonly string[],
  tenant = 'default'
): Promise<string> {
  const asked = { verb: verbs.join(','), tenant, bearer: true, rate: UNBOUNDED }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  return Buffer.from(token).toString('base64url')
}
