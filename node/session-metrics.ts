import type { ErrorCode, ServedOperation, ServerCall, SessionObserver } from '../protocols/index.ts'
import type { Log } from './log.ts'
import type { Metrics, OperationMetrics, Quota } from './metrics.ts'

const QUOTAS: { readonly [R in ErrorCode]?: Quota } = {
  quota_peer: 'peer',
  quota_tenant: 'tenant',
  quota_capability: 'capability'
}

/** Turns what sessions tell into metrics, and into a log line where an operator must look. */
export function sessionMetrics(metrics: Metrics<ErrorCode>, log: Log): SessionObserver {
  const known = new WeakMap<ServedOperation, OperationMetrics>()
  const unknown = metrics.operation('unknown', 'unknown')
  const control = metrics.operation('control', 'control')
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
    apart: (app, bytesIn, bytesOut) => {
      const handles = app === 0 ? control : unknown
      handles.received(bytesIn)
      handles.sent(bytesOut)
    },
    rejected: reason => {
      metrics.rejected(reason)
      const quota = QUOTAS[reason]
      if (quota !== undefined) metrics.quotaExhausted(quota)
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
