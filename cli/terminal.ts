import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Terminal {
  result(text: string): void
  note(text: string): void
  /** Overwrites one line on a terminal's standard error; writes nothing elsewhere. An empty text clears it. */
  progress(text: string): void
  /** `text` in a style where results go to a terminal, else as it is. */
  style(style: Style, text: string): string
  /** A line that the person types unseen; absent where nobody sits at a terminal. */
  readonly askSecret?: ((question: string) => Promise<string>) | undefined
  /** A line that the person types; absent where nobody sits at a terminal. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

export const processTerminal: Terminal = {
  result: text => void process.stdout.write(`${text}\n`),
  note: text => void process.stderr.write(`${text}\n`),
  progress: text => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  },
  style: (style, text) => (process.stdout.isTTY ? styleText(style, text, { stream: process.stdout }) : text),
  askSecret:
    process.stdin.isTTY && process.stderr.isTTY
      ? async question => {
          const { askSecret } = await import('./ask-secret.ts')
          return askSecret(question, { input: process.stdin, output: process.stderr })
        }
      : undefined,
  ask:
    process.stdin.isTTY && process.stderr.isTTY
      ? async question => {
          const { ask } = await import('./ask.ts')
          return ask(question, { input: process.stdin, output: process.stderr })
        }
      : undefined,
  env: process.env
}

/** Lines of `name  value`, aligned; names without a value are left out. */
export function facts(rows: readonly (readonly [string, unknown])[], terminal: Terminal): string {
  const present = rows.filter(([, value]) => value !== undefined && value !== null && value !== '')
  const width = Math.max(...present.map(([name]) => name.length))
  return present
    .map(([name, value]) => `${terminal.style('dim', name.padEnd(width))}  ${String(value)}`)
    .join('\n')
}

/** Columns of equal width, two spaces apart; the last is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map(row => (row[at] ?? '').length)))
  return rows
    .map(row =>
      row
        .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

// Control characters of a stranger could move the cursor, recolour the screen or hide what follows.
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** One JSON object as a line: what would move the cursor is an escape of JSON, which reads the same. */
export const printableJson = (value: object): string =>
  JSON.stringify(value).replaceAll(UNSAFE, c =>
    Array.from({ length: c.length }, (_, at) => `\\u${c.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      ''
    )
  )

/** Text from outside as one printable line of at most `max` characters. */
export function printable(text: string, max = 300): string {
  const safe = text.replaceAll(UNSAFE, c => `\\u{${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`)
  return safe.length > max ? `${safe.slice(0, max)}...` : safe
}
