import { heliaBlob, kuboBlob, ourBlob, plainBlob } from '../contenders.ts'
import { blobContest, blobFigure, blobFigures } from '../harness/blob-contest.ts'
import type { Row } from '../harness/row.ts'
import { rounded } from '../harness/statistics.ts'
import { atLeast, atMost, ratio } from '../harness/verdict.ts'

const BYTES = 256 * 1024 * 1024
const SMOKE_BYTES = 2 * 1024 * 1024

export const p3: Row = {
  id: 'P3',
  summary: 'a blob of 256 MiB, proved while it is read, on one stream; and its first bytes',
  async run(options) {
    const install = !options.smoke
    const contenders = [
      plainBlob('noise'),
      ourBlob('noise'),
      plainBlob('tls'),
      ourBlob('tls'),
      heliaBlob(install),
      kuboBlob(install)
    ]
    const standing = await blobContest(contenders, options.smoke ? SMOKE_BYTES : BYTES, options)
    const rate = (name: string) => blobFigure(standing, name, 'megabytesPerSecond')
    const cpu = (name: string) => blobFigure(standing, name, 'cpuSecondsPerGb')
    const first = (name: string) => blobFigure(standing, name, 'firstMs')
    return {
      what: 'a blob of 256 MiB proved while it is read, one stream, noise: MB a second; limit: a plain stream, same stack',
      ours: blobFigures(standing, ['ours noise'], 'megabytesPerSecond')['ours noise'] as number,
      others: blobFigures(standing, ['ours tls', 'plain tls', 'helia', 'kubo'], 'megabytesPerSecond'),
      limit: blobFigures(standing, ['plain noise'], 'megabytesPerSecond')['plain noise'] as number,
      checks: [
        atLeast('rate / plain, noise', 0.9, ratio(rate('ours noise'), rate('plain noise'))),
        atLeast('rate / plain, TLS', 0.85, ratio(rate('ours tls'), rate('plain tls'))),
        atMost('CPU of both a GB / plain, noise', 1.25, ratio(cpu('ours noise'), cpu('plain noise'))),
        atMost('CPU of both a GB / plain, TLS', 1.25, ratio(cpu('ours tls'), cpu('plain tls'))),
        atLeast('rate / Helia with bitswap', 3, ratio(rate('ours noise'), rate('helia'))),
        atLeast('rate / Kubo to Kubo', 1, ratio(rate('ours tls'), rate('kubo'))),
        atMost(
          'first proved byte, p50 / plain stream opened and 64 KiB, noise',
          1.5,
          ratio(first('ours noise'), first('plain noise'))
        ),
        atMost('the same, TLS', 1.5, ratio(first('ours tls'), first('plain tls')))
      ],
      spread: standing.spreads,
      notes: {
        ...members(standing, 'cpuSecondsPerGb', ' CPU s a GB'),
        ...members(standing, 'firstMs', ' first byte ms')
      }
    }
  }
}

function members(
  { medians }: Awaited<ReturnType<typeof blobContest>>,
  of: 'cpuSecondsPerGb' | 'firstMs',
  suffix: string
): Record<string, number> {
  const found: [string, number][] = []
  for (const [name, sample] of medians)
    if (!('missing' in sample) && Number.isFinite(sample[of]))
      found.push([name + suffix, rounded(sample[of])])
  return Object.fromEntries(found)
}
