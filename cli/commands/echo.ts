import { CLIENT_OPTIONS, callingOf } from '../client.ts'
import { NODE_ARGUMENT } from '../command.ts'
import { echoHub } from '../echo-hub.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { echoFile } from '../echo-file.ts'
import type { Echoed } from '../echo-file.ts'
import { echoText } from '../echo-text.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { withPeer } from '../peer.ts'
import { bytesText, roundMs, timeText } from '../quantity.ts'

export const echo: CommandBody = {
  details:
    'Needs a capability for echo:call in RON_CAP, unless the node opens that verb to all. What fits one frame goes as one call, a longer file as a stream that waits whenever either side does. ' +
    'With --hub it asks the running node of --data to call the other hub over their link, as that hub allows it. ' +
    'Times and throughput go to standard error. Exit 1: the bytes came back changed, or the node answered with an error.',
  arguments: [NODE_ARGUMENT],
  options: [
    {
      name: 'text',
      value: 'TEXT',
      summary: 'send this text and print what comes back',
      completes: 'nothing'
    },
    { name: 'file', value: 'FILE', summary: 'send this file, of any size', completes: 'file' },
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      summary: 'with --file: write what comes back to a new file',
      completes: 'file'
    },
    {
      name: 'hub',
      value: 'HUB_ID',
      summary: 'call this hub over its link with the node of --data, in place of a MULTIADDR; with --text',
      completes: 'nothing'
    },
    { name: 'data', value: 'DIR', summary: 'with --hub: data folder of the node', completes: 'folder' },
    ...CLIENT_OPTIONS
  ],
  examples: [
    {
      line: "omnigate echo /ip4/127.0.0.1/tcp/4801/p2p/12D3Koo... --text 'hello hub'",
      says: 'prints hello hub'
    },
    { line: 'omnigate echo --file backup.tar -o copy.tar', says: 'to the node in RON_NODE_URL and back' },
    {
      line: 'omnigate echo --hub h1... --data ./hub --text hi',
      says: 'over the link that the node of ./hub has with that hub'
    }
  ],
  exits: [
    'failed',
    'badInput',
    'noInput',
    'badAddress',
    'unreachable',
    'cannotCreate',
    'io',
    'notOap',
    'permission',
    'newerFormat'
  ],
  async run(invocation) {
    const text = invocation.option('text')
    const file = invocation.option('file')
    if ((text === undefined) === (file === undefined)) {
      throw new CommandError(EXIT.usage, 'echo takes either --text TEXT or --file FILE')
    }
    const output = invocation.option('output')
    if (output !== undefined && file === undefined) {
      throw new CommandError(EXIT.usage, '--output goes with --file FILE')
    }
    const hub = invocation.option('hub')
    if (hub !== undefined) {
      if (text === undefined) throw new CommandError(EXIT.usage, '--hub goes with --text TEXT')
      return show(invocation, await echoHub(invocation, hub, text))
    }
    if (invocation.option('data') !== undefined)
      throw new CommandError(EXIT.usage, '--data goes with --hub HUB_ID')
    return withPeer(await callingOf(invocation), async node => {
      const echoed =
        file === undefined
          ? await echoText(node, text ?? '')
          : await echoFile(node, file, { output, progress: line => invocation.terminal.progress(line) })
      return show(invocation, echoed)
    })
  }
}

function show(invocation: Invocation, echoed: Echoed): number {
  const { bytes, ms, operation, isEqual, answer } = echoed
  if (!isEqual)
    throw new CommandError(
      EXIT.failed,
      `${bytesText(bytes)} came back changed; the node is at fault, tell its operator`
    )
  const bytesPerSecond = Math.round((bytes / ms) * 1000)
  const result = {
    operation,
    bytes,
    equal: isEqual,
    sha256: echoed.sha256,
    ms: roundMs(ms),
    bytes_per_second: bytesPerSecond
  }
  invocation.show(result, () =>
    answer === undefined ? `${bytesText(bytes)} came back as sent, sha256 ${echoed.sha256}` : answer
  )
  if (!invocation.isJson) {
    const speed = operation === 'stream' ? `, ${bytesText(bytesPerSecond)}/s each way` : ''
    invocation.terminal.note(`${operation}: ${bytesText(bytes)} there and back in ${timeText(ms)}${speed}`)
  }
  return EXIT.ok
}
