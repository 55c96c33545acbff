import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { dateText, leftText } from '../moment.ts'
import { facts, printable } from '../terminal.ts'
import { TOKEN_ARGUMENT, givenToken } from '../token-input.ts'
import { writtenCaveats } from '../token-text.ts'

export const capInspect: CommandBody = {
  details:
    'Works offline. What a token says may be made up: cap verify --data asks the hub. The signature, which is what ' +
    'makes a token worth something, is printed only with --signature.',
  arguments: [TOKEN_ARGUMENT],
  options: [{ name: 'signature', summary: 'print the signature too' }],
  examples: [
    { line: 'omnigate cap inspect', says: 'the token in RON_CAP' },
    { line: 'omnigate cap inspect token --json', says: 'the token in a file, for scripts' }
  ],
  exits: ['badInput', 'noInput', 'permission'],
  async run(invocation) {
    const { decodeToken } = await import('../../protocols/index.ts')
    const { bytes, says } = await givenToken(invocation)
    const token = decodeToken(bytes)
    const caveats = writtenCaveats(token)
    const { capId, kid, tenant, subject, iat, hub, limits } = says
    const isEndless = limits.expires === Infinity
    const signature = invocation.flag('signature')
      ? Buffer.from(token.macaroon.signature).toString('hex')
      : undefined
    const result = {
      hub: hub ?? null,
      cap_id: capId,
      kid,
      tenant,
      subject: subject ?? null,
      minted: iat,
      expires: isEndless ? null : limits.expires,
      peer: limits.peer ?? null,
      bytes: bytes.length,
      caveats: caveats.map(({ text }) => text),
      discharges: token.discharges.length,
      ...(signature !== undefined && { signature })
    }
    const nowS = Math.floor(Date.now() / 1000)
    invocation.show(result, () =>
      facts(
        [
          ['capability', capId],
          ['hub', hub === undefined ? 'none named' : printable(hub)],
          ['root key', kid],
          ['tenant', tenant],
          ['subject', subject],
          ['minted', dateText(iat)],
          [
            'expires',
            isEndless
              ? 'never, so no hub takes it'
              : `${dateText(limits.expires)}, ${leftText(limits.expires, nowS)}`
          ],
          ['held by', limits.peer ?? 'whoever has it'],
          ['size', `${bytes.length} bytes`],
          ...caveats.map(({ text }) => ['caveat', text] as const),
          ['discharges', token.discharges.length || undefined],
          ['signature', signature]
        ],
        invocation.terminal
      )
    )
    return EXIT.ok
  }
}
