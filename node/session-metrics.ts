import type { ErrorCode, ServedOperation, ServerCall, SessionObserver } from '../protocols/index.ts'
import type { Log } from './log.ts'
import type { Metrics, OperationMetrics } from './metrics.ts'

/** Turns what sessions tell into metrics, and into a log line where an operator must look. */
export function sessionMetrics(metrics: Metrics<ErrorCode>, log: Log): SessionObserver {
  const known = new WeakMap<ServedOperation, OperationMetrics>()
  const unknown = metrics.operation('unknown', 'unknown')
  const of = ({ served }: ServerCall): OperationMetrics => {
    if (served === undefined) return unknown
    let handles = known.get(served)
    if (handles === undefined) known.set(served, (handles = metrics.operation(served.service, served.name)))
    return handles
  }
  return {
    started: call => {
      if (call.served !== undefined) of(call).begin()
    },
    answered: (call, status, ms) => {
      const handles = of(call)
      if (call.served === undefined) handles.begin()
      handles.end(status, ms / 1000)
      handles.received(call.bytesIn)
      handles.sent(call.bytesOut)
    },
    rejected: reason => {
      metrics.rejected(reason)
      if (reason === 'quota_peer') metrics.quotaExhausted('peer')
    },
    broke: err => log.error({ event: 'SessionBroke', err }, 'a session threw; its stream was reset'),
    inflated: (bytesIn, bytesOut) => metrics.inflated(bytesOut / bytesIn),
    failed: (call, err) => {
      const { served } = call
      log.error(
        {
          event: 'HandlerFailed',
          service: served?.service,
          operation: served?.name,
          corr_id: String(call.corrId),
          err
        },
        'a handler threw'
      )
    }
  }
}
