import { fuzzCommand } from './command.ts'
import { instrumentImports } from './engine/instrument.ts'
import { gatherStrays } from './engine/strays.ts'

/** What judges signed evidence in node/ and federation/; the rest reads no bytes of strangers, or reads them by protocols/. */
const EVIDENCE =
  /\/node\/(audit\/(audit-export|checkpoint|entry|log-delegation|merkle|signed-note|tile)|capabilities\/(key-delegation|revocation-statement|strict-json))\.ts$|\/federation\/((directed|handshake|links|log|policy|shares|snapshots|witness)\/)?[a-z-]+\.ts$/

/** The wire code, and not the streams in memory that carry it here. */
const isMeasured = (url: string): boolean =>
  EVIDENCE.test(url) ||
  (/\/protocols\/((services|capabilities|storage)\/)?[a-z-]+\.ts$/.test(url) &&
    !url.endsWith('/memory-streams.ts'))

process.exitCode = await fuzzCommand(process.argv.slice(2), {
  names: [
    'codec',
    'payload',
    'zstd',
    'token',
    'evidence',
    'handshake',
    'links',
    'policy',
    'shares',
    'directed',
    'snapshots',
    'witness',
    'storage',
    'session',
    'client'
  ],
  load: async isCounted => {
    gatherStrays()
    if (isCounted) instrumentImports(isMeasured)
    const { TARGETS } = await import('./targets/index.ts')
    return TARGETS
  },
  corpus: new URL('./corpus/', import.meta.url),
  findings: new URL('../../.cache/fuzz/', import.meta.url),
  say: line => void process.stdout.write(`${line}\n`),
  complain: line => void process.stderr.write(`${line}\n`)
})
