import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { fate } from '../hostile-case.ts'
import type { HostileCase, Scene } from '../hostile-case.ts'
import { echoCall } from '../raw-frame.ts'
import { protocolLine } from '../protocol-line.ts'
import { YAMUX, YAMUX_FLAG, yamuxHeader } from '../yamux-header.ts'
import type { YamuxHeader } from '../yamux-header.ts'
import type { YamuxLink } from '../yamux-link.ts'

const NEGOTIATION = Buffer.concat([protocolLine('/multistream/1.0.0'), protocolLine('/noise')])
const CLOSED_MS = 30_000
const LIVES_MS = 1500

/** A plain socket to the node, from an address of choice. */
async function socketTo({ target }: Scene, from: string): Promise<Socket> {
  const parts = multiaddr(target.address).getComponents()
  const port = Number(parts.find(({ name }) => name === 'tcp')!.value)
  const socket = connect({ host: '127.0.0.1', port, localAddress: from })
  socket.on('error', () => undefined)
  socket.resume()
  await new Promise<void>(resolve => socket.once('connect', () => resolve()).once('close', () => resolve()))
  return socket
}

const closed = (socket: Socket, withinMs = CLOSED_MS): Promise<boolean> => {
  if (socket.destroyed) return Promise.resolve(true)
  const gone = new Promise<boolean>(resolve => socket.once('close', () => resolve(true)))
  return Promise.race([gone, sleep(withinMs, false, { ref: false })])
}

/** Bytes on a plain socket; the node must end it. */
const rawCase = (name: string, bytes: () => Uint8Array, isLong = true): HostileCase => ({
  name,
  isLong,
  on: 'strict',
  expected: 'connection closed',
  async run(scene) {
    const socket = await socketTo(scene, scene.from())
    socket.write(bytes())
    const isClosed = await closed(socket)
    socket.destroy()
    return isClosed ? 'connection closed' : 'connection open'
  }
})

/** Yamux frames on an encrypted connection. */
function yamuxCase(
  name: string,
  expected: string,
  attack: (link: YamuxLink) => void | Promise<void>
): HostileCase {
  return {
    name,
    on: 'strict',
    expected,
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      const stream = link.open().negotiate()
      stream.writeNow(echoCall(1n))
      await stream.next()
      await attack(link)
      await Promise.race([link.gone, sleep(LIVES_MS)])
      return link.isGone ? 'connection closed' : `connection lives, ${await fate(stream)}`
    }
  }
}

const sends =
  (header: YamuxHeader, body = new Uint8Array(0)) =>
  (link: YamuxLink): void => {
    link.frame(header, body)
  }

export const connectionCases: readonly HostileCase[] = [
  rawCase('random bytes for multistream', () => randomBytes(4096), false),
  rawCase('a multistream length of 2^35', () => Buffer.from('ffffffff7f', 'hex'), false),
  rawCase('10,000 protocols that nobody speaks', () =>
    Buffer.concat([
      protocolLine('/multistream/1.0.0'),
      ...Array.from({ length: 10_000 }, () => protocolLine('/nothing/1'))
    ])
  ),
  rawCase('random bytes for a noise handshake', () =>
    Buffer.concat([NEGOTIATION, Buffer.from([0, 96]), randomBytes(96)])
  ),
  rawCase('half a noise handshake, then silence', () =>
    Buffer.concat([NEGOTIATION, Buffer.from([0, 32]), randomBytes(32)])
  ),
  rawCase('a noise message of 65535 bytes that is not noise', () =>
    Buffer.concat([NEGOTIATION, Buffer.from([0xff, 0xff]), randomBytes(65_535)])
  ),
  {
    name: 'a flood of connections from one /24',
    on: 'strict',
    expected: '8 open, 42 refused',
    async run({ attacker, from }) {
      let open = 0
      for (let i = 0; i < 50; i++) {
        const link = await attacker.connect(from(i)).catch(() => undefined)
        if (link !== undefined && !link.isGone) open++
      }
      return `${open} open, ${50 - open} refused`
    }
  },
  {
    name: 'half handshakes from 60 networks at once',
    on: 'strict',
    expected: 'no slot is kept from others',
    async run(scene) {
      const sockets: Socket[] = []
      for (let i = 0; i < 480; i++) {
        const socket = await socketTo(scene, `127.201.${i % 60}.${1 + Math.floor(i / 60)}`)
        socket.write(NEGOTIATION)
        sockets.push(socket)
      }
      await sleep(200)
      const serves = await scene.attacker.stream(scene.from()).then(
        stream => fate(stream),
        () => 'refused'
      )
      for (const socket of sockets) socket.destroy()
      return serves === 'session lives' ? 'no slot is kept from others' : serves
    }
  },
  {
    name: 'quiet connections from 60 networks at once',
    on: 'strict',
    expected: 'no slot is kept from others',
    async run({ attacker, from }) {
      for (let i = 0; i < 300; i++)
        await attacker.connect(`127.202.${i % 60}.${1 + Math.floor(i / 60)}`).catch(() => undefined)
      const serves = await attacker.stream(from()).then(
        stream => fate(stream),
        () => 'refused'
      )
      return serves === 'session lives' ? 'no slot is kept from others' : serves
    }
  },
  yamuxCase('yamux version 1', 'connection closed', sends({ version: 1, type: 0, streamId: 1, length: 0 })),
  yamuxCase('an unknown yamux type', 'connection closed', sends({ type: 9, streamId: 1, length: 0 })),
  yamuxCase('yamux data of 4 GiB', 'connection closed', sends({ type: 0, streamId: 1, length: 0xffffffff })),
  yamuxCase(
    'data one byte beyond the window',
    'connection closed',
    sends({ type: 0, streamId: 1, length: 1_048_577 }, new Uint8Array(100))
  ),
  yamuxCase(
    'a yamux stream id of the other side',
    'connection closed',
    sends({ type: 1, flag: 1, streamId: 2, length: 0 })
  ),
  yamuxCase(
    'yamux data on stream 0',
    'connection closed',
    sends({ type: 0, streamId: 0, length: 8 }, new Uint8Array(8))
  ),
  yamuxCase(
    'yamux data for a stream that is not there',
    'connection lives, session lives',
    sends({ type: 0, streamId: 999, length: 8 }, new Uint8Array(8))
  ),
  yamuxCase(
    'an answer to a ping that was never sent',
    'connection closed',
    sends({ type: 2, flag: 2, streamId: 0, length: 77 })
  ),
  yamuxCase('windows granted beyond 2^53', 'connection lives, session lives', link => {
    for (let i = 0; i < 5000; i++) link.frame({ type: YAMUX.windowUpdate, streamId: 1, length: 0xffffffff })
  }),
  yamuxCase('a flood of yamux pings', 'connection lives, session lives', async link => {
    const ping = yamuxHeader({ type: YAMUX.ping, flag: YAMUX_FLAG.syn, streamId: 0, length: 1 })
    for (let i = 0; i < 100; i++) {
      link.send(Buffer.concat(Array.from({ length: 500 }, () => ping)))
      await link.drained()
    }
  }),
  yamuxCase('a go-away, and further frames', 'connection lives, stream reset', link => {
    link.frame({ type: YAMUX.goAway, streamId: 0, length: 1 })
    for (let i = 0; i < 100; i++) link.open()
  }),
  {
    name: 'one yamux frame, a byte at a time',
    on: 'strict',
    expected: 'connection closed',
    async run({ attacker, from }) {
      const link = await attacker.connect(from())
      link.open().negotiate()
      link.send(yamuxHeader({ type: 0, streamId: 1, length: 200_000 }))
      const drip = setInterval(() => link.send(new Uint8Array(1)), 50)
      await Promise.race([link.gone, sleep(CLOSED_MS + 4000)])
      clearInterval(drip)
      return link.isGone ? 'connection closed' : 'connection open'
    }
  }
]
