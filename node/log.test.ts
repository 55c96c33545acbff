import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from './config/index.ts'
import { type Log, createLog } from './log.ts'
import { EXIT, SetupError } from './setup-error.ts'

test('writes one JSON object a line, with the time and the level by name', () => {
  const { log, lines } = captured('info')

  log.info({ port: 4801 }, 'listening')

  const [line] = lines()
  assert.deepEqual(Object.keys(line ?? {}), ['level', 'time', 'port', 'msg'])
  assert.equal(line?.level, 'info')
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT.*Z$/)
})

test('writes nothing below its level', () => {
  const { log, lines } = captured('warn')

  log.info('quiet')
  log.warn('heard')

  assert.deepEqual(
    lines().map(({ msg }) => msg),
    ['heard']
  )
})

test('hides secrets at any of four depths, in lists, in children and in errors', () => {
  const { log, lines } = captured('trace')

  log.info({
    cap: 'XX',
    a: { token: 'XX', b: { secret: 'XX', c: { body: 'XX' } } },
    list: [{ payload: 'XX' }]
  })
  log.child({ part: { token: 'XX' } }).info('child')
  log.error({ err: Object.assign(new Error('failed'), { cap: 'XX' }) })

  const text = JSON.stringify(lines())
  assert.equal(text.includes('XX'), false, text)
  assert.equal(text.split('[hidden]').length - 1, 7)
})

test('names peers and addresses at debug only', () => {
  const quiet = captured('info')
  const verbose = captured('debug')
  for (const { log } of [quiet, verbose])
    log.info({ peer: '12D3KooW', call: { remoteAddr: '/ip4/192.0.2.1' } })

  assert.doesNotMatch(JSON.stringify(quiet.lines()), /12D3|192\.0\.2/)
  assert.match(JSON.stringify(verbose.lines()), /12D3KooW.*192\.0\.2\.1/)
})

test('says which file it cannot append to', () => {
  const file = '/nonexistent/folder/log'

  assert.throws(
    () => createLog({ level: 'info', file }),
    (error: unknown) =>
      error instanceof SetupError && error.exitCode === EXIT.io && error.message.includes(file)
  )
})

type Line = Readonly<Record<string, unknown>>

function captured(level: Parameters<typeof createLog>[0]['level']): { log: Log; lines: () => Line[] } {
  const written: string[] = []
  const to = { write: (text: string) => void written.push(text) }
  const log = createLog({ ...loadConfig().config.log, level }, { to })
  return { log, lines: () => written.map((text): Line => JSON.parse(text)) }
}
