import { fuzzCommand } from './command.ts'
import { instrumentImports } from './engine/instrument.ts'
import { gatherStrays } from './engine/strays.ts'

/** The wire code, and not the streams in memory that carry it here. */
const isMeasured = (url: string): boolean =>
  /\/protocols\/(services\/)?[a-z-]+\.ts$/.test(url) && !url.endsWith('/memory-streams.ts')

process.exitCode = await fuzzCommand(process.argv.slice(2), {
  names: ['codec', 'payload', 'zstd', 'session', 'client'],
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
