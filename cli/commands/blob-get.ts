import type { Cid } from '../../protocols/index.ts'
import { downloadCar } from '../blob/car.ts'
import { cidArgument } from '../blob/cid-argument.ts'
import { download } from '../blob/download.ts'
import type { Download } from '../blob/download.ts'
import { partFile } from '../blob/part-file.ts'
import { BLOB_ARGUMENTS, BLOB_EXITS, CALLER_DETAILS, CALLER_OPTIONS, withBlobs } from '../blob/place.ts'
import type { BlobPlace } from '../blob/place.ts'
import { TransferProgress } from '../blob/progress.ts'
import { whyNot, whyNotText } from '../blob/why-not.ts'
import { CommandError } from '../command-error.ts'
import type { CommandBody } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { interruptible } from '../interruptible.ts'
import type { Invocation } from '../invocation.ts'
import { newFile } from '../new-file.ts'
import { bytesText } from '../quantity.ts'

export const blobGet: CommandBody = {
  details:
    'As the operator, of linked hubs too: a blob that the node does not have comes from whoever has it, and is kept for ' +
    'a day. Without --output the bytes go to standard output. A download into a file that breaks off is gone on with by ' +
    `the same command. ${CALLER_DETAILS}`,
  arguments: BLOB_ARGUMENTS,
  options: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'new file for the bytes', completes: 'file' },
    {
      name: 'range',
      value: 'A-B',
      summary: 'bytes A to B alone, B included and counted from 0; B may be missing',
      completes: 'nothing'
    },
    { name: 'car', summary: 'as a CAR, for ipfs dag import: every block of it, proved like its bytes' },
    ...CALLER_OPTIONS
  ],
  examples: [
    { line: 'omnigate blob get bafybei... -o map.webp', says: 'to a client' },
    { line: 'omnigate blob get bafybei... --data ./hub --range 0-99', says: 'the first hundred bytes' },
    { line: 'omnigate blob get bafybei... --data ./hub --car -o map.car', says: 'for IPFS tools' }
  ],
  exits: [...BLOB_EXITS, 'cannotCreate', 'inUse', 'interrupted'],
  async run(invocation) {
    const { text, cid } = await cidArgument(invocation)
    const range = rangeOption(invocation)
    if (range !== undefined && invocation.flag('car'))
      throw new CommandError(EXIT.usage, '--car is the whole blob; leave --range out')
    try {
      return await withBlobs(invocation, place => got(invocation, place, cid, range))
    } catch (error) {
      if (isInterrupted(error)) throw error
      const data = invocation.option('data')
      const report = data === undefined ? undefined : await whyNot(data, text)
      if (report?.code !== undefined && !invocation.isJson) invocation.terminal.note(whyNotText(report))
      throw error
    }
  }
}

const isInterrupted = (error: unknown): boolean =>
  error instanceof CommandError && error.exitCode === EXIT.interrupted

interface Range {
  readonly offset: number
  readonly length?: number | undefined
}

async function got(
  invocation: Invocation,
  place: BlobPlace,
  cid: Cid,
  range: Range | undefined
): Promise<number> {
  const output = invocation.option('output')
  if (invocation.flag('car')) return await gotCar(invocation, place, cid, output)
  const { offset, length } = range ?? { offset: 0 }
  if (output === undefined) {
    await download(place, { cid, offset, length, write: toStandardOutput })
    return EXIT.ok
  }
  const from = { cid, offset, length }
  const bytes =
    range === undefined
      ? await wholeFile(invocation, place, cid, output)
      : await newFileOf(invocation, output, progress => download(place, { ...from, ...progress }))
  return shownFile(invocation, output, bytes)
}

async function gotCar(
  invocation: Invocation,
  place: BlobPlace,
  cid: Cid,
  output: string | undefined
): Promise<number> {
  if (output === undefined) {
    await downloadCar(place, { cid, write: toStandardOutput })
    return EXIT.ok
  }
  const bytes = await newFileOf(invocation, output, progress => downloadCar(place, { cid, ...progress }))
  return shownFile(invocation, output, bytes)
}

function shownFile(invocation: Invocation, output: string, bytes: number): number {
  invocation.show({ file: output, bytes }, () => `${output}: ${bytesText(bytes)}`)
  return EXIT.ok
}

/** The whole blob; yields its bytes. */
async function wholeFile(
  invocation: Invocation,
  place: BlobPlace,
  cid: Cid,
  output: string
): Promise<number> {
  const { cidText } = await import('../../protocols/index.ts')
  await using file = await partFile(output, cidText(cid))
  const { offset } = file
  const left = `what came is in ${file.path}; the same command goes on with it`
  const part = (signal: AbortSignal): Promise<number> =>
    shown(invocation, offset, progress =>
      download(
        { ...place, calling: { ...place.calling, signal } },
        { cid, offset, ...progress, write: async piece => (await file.write(piece), progress.told(piece)) }
      )
    )
  const bytes = await interruptible('blob get', part, left).catch((error: unknown) => {
    if (!isInterrupted(error)) invocation.terminal.note(left)
    throw error
  })
  await file.commit()
  return offset + bytes
}

/** A file that is there when all of it is. */
async function newFileOf(
  invocation: Invocation,
  output: string,
  get: (writing: Pick<Download, 'write' | 'onLength'>) => Promise<number>
): Promise<number> {
  await using file = await newFile(output)
  const bytes = await shown(invocation, 0, ({ onLength, told }) =>
    get({ onLength, write: async piece => (await file.write(piece), told(piece)) })
  )
  await file.commit()
  return bytes
}

interface Shown {
  readonly onLength: (bytes: number) => void
  readonly told: (piece: Uint8Array) => void
}

async function shown<T>(
  { terminal }: Invocation,
  already: number,
  run: (progress: Shown) => Promise<T>
): Promise<T> {
  let progress = new TransferProgress(terminal, undefined)
  try {
    return await run({
      onLength: bytes => {
        progress = new TransferProgress(terminal, already + bytes)
        progress.add(already)
      },
      told: ({ length }) => progress.add(length)
    })
  } finally {
    progress.end()
  }
}

const toStandardOutput = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) =>
    process.stdout.write(bytes, error => (error === undefined || error === null ? resolve() : reject(error)))
  )

function rangeOption(invocation: Invocation): Range | undefined {
  const given = invocation.option('range')
  if (given === undefined) return undefined
  const [, first, last] = /^(\d{1,15})-(\d{1,15})?$/.exec(given) ?? []
  const offset = Number(first)
  const length = last === undefined ? undefined : Number(last) - offset + 1
  if (first === undefined || (length !== undefined && length < 1))
    throw new CommandError(
      EXIT.usage,
      `--range ${given}: write it as 0-99, the first hundred bytes, or as 100-`
    )
  return { offset, length }
}
