import { ClassicLevel } from 'classic-level'

// Loaded into a node before its own code, breaks it as MAILBOX_BREAKAGE says: the harness must notice.
//   unsynced   nothing is synced any more; only a power cut shows it
//   early      writes are answered before they are made
//   undeleted  messages taken away stay where they are
//   telling    what is written stands on standard error, too, as a log would have it
type Operation = { readonly type: string; readonly key: unknown; readonly value?: Uint8Array }
type Batch = (operations: readonly Operation[], options: object) => Promise<void>

const LATE_MS = 40
const level = ClassicLevel.prototype as unknown as {
  _batch: Batch
  _put: (...args: unknown[]) => Promise<void>
}
const write = level._batch
const put = level._put

const BREAKAGES: Readonly<Record<string, Batch>> = {
  unsynced(operations, options) {
    return write.call(this, operations, { ...options, sync: false })
  },
  async early(operations, options) {
    setTimeout(() => void write.call(this, operations, options).catch(() => undefined), LATE_MS)
  },
  telling(operations, options) {
    for (const { value } of operations)
      if (value !== undefined) process.stderr.write(`${Buffer.from(value).toString('latin1')}\n`)
    return write.call(this, operations, options)
  },
  undeleted(operations, options) {
    const kept = operations.filter(({ type, key }) => type !== 'del' || !String(key).startsWith('!mailbox!m'))
    return write.call(this, kept, options)
  }
}

const breakage = process.env['MAILBOX_BREAKAGE'] ?? ''
const broken = BREAKAGES[breakage]
if (broken === undefined) throw new Error(`MAILBOX_BREAKAGE: ${breakage} is none`)
level._batch = broken
if (breakage === 'unsynced')
  level._put = function (this: unknown, key, value, options) {
    return put.call(this, key, value, { ...(options as object), sync: false })
  }
