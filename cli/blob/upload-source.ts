import { open } from 'node:fs/promises'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

const READ_BYTES = 262_144
const STANDARD_INPUT = '-'

/** Bytes of a file or of standard input, as they are asked for. */
export interface UploadSource {
  readonly bytes: AsyncIterable<Uint8Array>
  /** Undefined for standard input. */
  readonly length: number | undefined
}

/** What FILE names; `-` is `input`. @throws CommandError `usage` for a folder; SetupError for what cannot be read. */
export async function uploadSource(
  path: string,
  input: AsyncIterable<Uint8Array> = process.stdin
): Promise<UploadSource> {
  if (path === STANDARD_INPUT) return { bytes: input, length: undefined }
  const { systemError } = await import('../../node/setup-error.ts')
  const file = await open(path).catch((error: unknown) => {
    throw systemError(path, error)
  })
  const stat = await file.stat()
  if (stat.isDirectory()) {
    await file.close()
    throw new CommandError(
      EXIT.usage,
      `${path}: a folder is no blob; add its files one by one, or a tar of it`
    )
  }
  return { bytes: piecesOf(file), length: stat.isFile() ? stat.size : undefined }
}

/** Each piece is a buffer of its own: blocks may be views of it for as long as they are sent. */
async function* piecesOf(file: Awaited<ReturnType<typeof open>>): AsyncGenerator<Uint8Array, void> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
