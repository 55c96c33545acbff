import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Registry } from '../../registry/index.ts'
import type { CommandBody } from '../command.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import { REGISTRY_FOLDER } from '../registry-names.ts'
import { printable } from '../terminal.ts'

const FILE = 'app_proto_ids.json'
const MAX_BYTES = 8 * 1024 * 1024

export const registryCheck: CommandBody = {
  details: `Reads ${FILE} of the folder. Each problem is one line on standard error that names its row; exit 1 when there is one.`,
  arguments: [
    {
      name: 'DIR',
      summary: `folder with ${FILE} (default: the one that comes with this program)`,
      isOptional: true,
      completes: 'folder'
    }
  ],
  options: [
    {
      name: 'previous',
      value: 'FILE',
      summary: 'the registry as published before: ids and names must live on',
      completes: 'file'
    }
  ],
  examples: [
    { line: 'omnigate registry check registry', says: 'what a change of the registry must pass' },
    {
      line: `omnigate registry check registry --previous old/${FILE}`,
      says: 'also that no id was taken away'
    }
  ],
  exits: ['failed', 'badInput', 'noInput', 'permission'],
  async run(invocation) {
    const { checkRegistry } = await import('../../registry/index.ts')
    const { parsePublicKey, verifyFile } = await import('../../node/index.ts')
    const current = await readJson(join(invocation.argument('DIR') ?? fileURLToPath(REGISTRY_FOLDER), FILE))
    const before = invocation.option('previous')
    const problems = checkRegistry(current, {
      verify: (publicKey, message, signature) => {
        verifyFile(parsePublicKey(publicKey), message, signature)
        return true
      },
      ...(before !== undefined && { previous: await readJson(before) })
    })
    if (problems.length > 0) return refuse(problems, invocation.isJson, invocation.terminal)
    const { rows, ranges } = current as Registry
    invocation.show(
      { rows: rows.length, ranges: ranges.length, problems },
      () => `${rows.length} rows in ${ranges.length} ranges, every signature fits`
    )
    return EXIT.ok
  }
}

function refuse(
  problems: readonly string[],
  isJson: boolean,
  terminal: { result(text: string): void; note(text: string): void }
): number {
  if (isJson) terminal.result(JSON.stringify({ problems }))
  else for (const problem of problems) terminal.note(`omnigate: ${printable(problem, 1000)}`)
  return EXIT.failed
}

async function readJson(path: string): Promise<unknown> {
  const { systemError } = await import('../../node/setup-error.ts')
  const text = await readBounded(path).catch((error: unknown) => {
    throw systemError(path, error)
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(
      EXIT.badInput,
      `${path}: not JSON (${(error as Error).message}); correct it there`,
      { cause: error }
    )
  }
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path)
  const { size } = await file.stat()
  if (size > MAX_BYTES)
    throw new CommandError(
      EXIT.badInput,
      `${path}: larger than 8 MiB, which no registry is; give another folder`
    )
  return file.readFile('utf8')
}
