import { POLICY, readPolicy } from '../../federation/index.ts'
import type { Policy } from '../../federation/index.ts'
import { readBoundedFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'

export type PolicyReading = { readonly value: Policy } | { readonly problems: readonly string[] }

/** The policy in the file at a path, or all that is wrong with it or with the file. */
export async function readPolicyFile(path: string): Promise<PolicyReading & { readonly text?: string }> {
  let text: string
  try {
    text = await readBoundedFile(path, {
      maxBytes: POLICY.maxFileBytes,
      wayOut:
        'write it as omnigate policy check says, or leave federation.policy empty for the built-in policy'
    })
  } catch (error) {
    if (error instanceof SetupError) return { problems: [error.message] }
    throw error
  }
  const read = readPolicy(Buffer.from(text))
  return 'value' in read ? { ...read, text } : { problems: read.problems.map(of => `${path}: ${of}`), text }
}
