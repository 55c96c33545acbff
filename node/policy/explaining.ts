import { canonicalJson, decide, readForm, DECISION_RECORD, EVIDENCE } from '../../federation/index.ts'
import type { Decision, Policy } from '../../federation/index.ts'
import { parseEntry } from '../audit/index.ts'
import type { AuditLog } from '../audit/index.ts'
import type { Judged } from './judging.ts'

/** So many of the newest entries are looked at. */
const MOST_ENTRIES = 262_144

/** The newest decision about an item that the audit log holds, among its newest entries. */
export async function recordedDecision(
  log: Pick<AuditLog, 'lines' | 'first' | 'size'>,
  id: string
): Promise<Judged | undefined> {
  const { first, size } = log
  const subject = `"subject":"item:${id}"`
  let newest: Judged | undefined
  for await (const lines of log.lines(Math.max(first, size - MOST_ENTRIES), size)) {
    for (const line of lines) if (line.includes(subject)) newest = judgedIn(line) ?? newest
  }
  return newest
}

function judgedIn(line: Uint8Array): Judged | undefined {
  const { type, data } = parseEntry(line)
  if (type !== 'acceptance') return undefined
  const evidence = readForm(EVIDENCE, data['evidence'])
  const record = readForm(DECISION_RECORD, data['record'])
  return 'value' in evidence && 'value' in record
    ? { evidence: evidence.value, record: record.value }
    : undefined
}

/** What a policy says of recorded evidence, and whether that is what it said then, to the byte. */
export function decidedAgain(
  { evidence, record }: Judged,
  policy: Policy
): { readonly again: Decision; readonly isSame: boolean } {
  const again = decide(policy, evidence)
  const { decision: verdict, score, reasons, signals } = record
  return { again, isSame: canonicalJson(again) === canonicalJson({ verdict, score, reasons, signals }) }
}
