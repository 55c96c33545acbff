import type { ComponentLogger, Logger } from '@libp2p/interface'

const nothing = Object.assign(() => {}, { enabled: false })

const silent: Logger = Object.assign(() => {}, {
  enabled: false,
  error: nothing,
  trace: nothing,
  newScope: () => silent
})

/**
 * A logger for libp2p's own components that says nothing and allocates nothing.
 * libp2p otherwise makes four closures for every scope of every stream, even while nobody listens.
 */
export const silentLogger: ComponentLogger = { forComponent: () => silent }
