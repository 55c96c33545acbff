import { filesIn, isFolder } from '../blob/files-in.ts'
import { BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { BlobPlace } from '../blob/place.ts'
import { TransferProgress } from '../blob/progress.ts'
import { uploadSource } from '../blob/upload-source.ts'
import { CommandError } from '../command-error.ts'
import { NODE_ARGUMENT } from '../command.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { defined, timeOptionMs } from '../mailbox/numbers.ts'
import { bytesText } from '../quantity.ts'
import { printable } from '../terminal.ts'

const CLASSES = ['private', 'federated', 'public'] as const

export const blobAdd: CommandBody = {
  details:
    'Ends once the blob would survive a power cut, and prints its content id: the one that IPFS tools give the same ' +
    'bytes with the options that are printed beside it. Of a folder each file below it becomes a blob of its own, one line ' +
    `each with its name, and no content id stands for all of it; links are passed over. ${CALLER_DETAILS}`,
  arguments: [
    { name: 'FILE', summary: 'the file, or a folder of files; - is standard input', completes: 'file' },
    NODE_ARGUMENT
  ],
  options: [
    {
      name: 'class',
      value: 'CLASS',
      summary:
        'who may read it: private, federated (linked hubs by their treaty) or public (default: private)',
      completes: 'nothing'
    },
    { name: 'type', value: 'TYPE', summary: 'its media type, such as image/webp', completes: 'nothing' },
    { name: 'cid', value: 'CID', summary: 'refuse bytes that have another content id', completes: 'nothing' },
    {
      name: 'profile',
      value: 'NAME',
      summary: 'how it is cut: omnigate-v1 or unixfs-v1-2025 (default: omnigate-v1)',
      completes: 'nothing'
    },
    { name: 'ttl', value: 'TIME', summary: 'may be taken away after: 1h, 7d', completes: 'nothing' },
    { name: 'pin', summary: 'not deleted before it is unpinned' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate blob add map.webp --class public --type image/webp', says: 'announced to linked hubs' },
    { line: 'tar c folder | omnigate blob add - --data ./hub', says: 'from a pipe, as the operator' }
  ],
  exits: BLOB_EXITS,
  async run(invocation) {
    const path = invocation.neededArgument('FILE')
    const { PROFILES, DEFAULT_PROFILE } = await import('../../protocols/index.ts')
    const blobClass = oneOf(invocation, 'class', CLASSES) ?? 'private'
    const profile = oneOf(invocation, 'profile', namesOf(PROFILES)) ?? DEFAULT_PROFILE
    const ttlMs = timeOptionMs(invocation, 'ttl')
    const { leafBytes, links } = PROFILES[profile]
    const ipfsAdd = `ipfs add --cid-version 1 --raw-leaves --chunker size-${leafBytes} --max-file-links ${links}`
    const members = defined({
      class: blobClass,
      content_type: invocation.option('type'),
      cid: invocation.option('cid'),
      profile,
      ttl_s: ttlMs === undefined ? undefined : ttlMs / 1000,
      pin: invocation.flag('pin') ? true : undefined
    })
    return withBlobs(invocation, async place => {
      if (await isFolder(path)) {
        const { files, bytes } = await addFolder(invocation, place, path, members)
        if (!invocation.isJson)
          invocation.terminal.note(
            `${files} ${files === 1 ? 'file' : 'files'}, ${bytesText(bytes)}, ${blobClass}; each as: ${ipfsAdd}`
          )
        return EXIT.ok
      }
      const { cid, len } = await added(invocation, place, path, members)
      invocation.show({ cid, len, class: blobClass, ipfs_add: ipfsAdd }, () => cid)
      if (!invocation.isJson) invocation.terminal.note(`${bytesText(len)}, ${blobClass}; as: ${ipfsAdd}`)
      return EXIT.ok
    })
  }
}

type Members = Parameters<BlobPlace['rows']['put']>[0]

async function added(
  { terminal }: Invocation,
  { rows, calling }: BlobPlace,
  path: string,
  members: Members
): Promise<{ readonly cid: string; readonly len: number }> {
  const { bytes, length } = await uploadSource(path)
  const progress = new TransferProgress(terminal, length)
  return rows.put(members, { ...calling, body: counted(bytes, progress) })
}

/** One line a file, as it is stored: what came before a failure stays. */
async function addFolder(
  invocation: Invocation,
  place: BlobPlace,
  folder: string,
  members: Members
): Promise<{ readonly files: number; readonly bytes: number }> {
  if (members.cid !== undefined)
    throw new CommandError(EXIT.usage, '--cid goes with one file, not with a folder')
  let [files, bytes] = [0, 0]
  for (const { path, name } of await filesIn(folder)) {
    const { cid, len } = await added(invocation, place, path, members)
    invocation.show({ cid, len, name }, () => `${cid} ${printable(name)}`)
    files++
    bytes += len
  }
  return { files, bytes }
}

const namesOf = <T extends object>(table: T): readonly (keyof T & string)[] =>
  Object.keys(table) as (keyof T & string)[]

function oneOf<T extends string>(invocation: Invocation, name: string, values: readonly T[]): T | undefined {
  const given = invocation.option(name)
  if (given === undefined) return undefined
  const known = values.find(value => value === given)
  if (known === undefined)
    throw new CommandError(EXIT.usage, `--${name} ${given}: give one of ${values.join(', ')}`)
  return known
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  progress: TransferProgress
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const piece of bytes) {
      yield piece
      progress.add(piece.length)
    }
  } finally {
    progress.end()
  }
}
