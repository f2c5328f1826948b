import type { CommanderError } from 'commander'
import { hasCode } from '../errors.ts'

/** How a command speaks: to a person, or one JSON value a line. */
export interface Output {
  readonly json: boolean
  /** One line on stdout; ignored with --json. */
  say(line: string): void
  /** One JSON value on stdout; ignored without --json. */
  tell(value: object): void
  /** The error of a command that failed: a sentence on stderr, or with --json an object on stdout. */
  fail(error: unknown): void
}

export function createOutput(json: boolean): Output {
  return {
    json,
    say: (line) => void (json || process.stdout.write(`${line}\n`)),
    tell: (value) => void (json && process.stdout.write(`${JSON.stringify(value)}\n`)),
    fail(error) {
      const { code, message } = described(error)
      if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`)
      else printError(code, message)
    }
  }
}

/** The one form of an error to a person, of `brume` and of all its subcommands: on stderr, `error: <sentence> (<code>)`. */
export function printError(code: string, message: string): void {
  process.stderr.write(`${paint.red('error:', process.stderr)} ${message} (${code})\n`)
}

/** commander says `error: unknown option '--lisen'` and its guess on a line of its own. */
export const sentenceOf = ({ message }: CommanderError): string =>
  message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim()

/** The sentence and code of any thrown thing; a foreign error is one of ours that is missing. */
export function described(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'BRUME_PEER_INTERNAL', message: String(error) }
  const own = 'code' in error && typeof error.code === 'string' && error.code.startsWith('BRUME_')
  if (own) return { code: String(error.code), message: error.message }
  if (hasCode(error, 'ENOSPC')) return { code: 'BRUME_PEER_DISK_FULL', message: 'no space left on the disk; free some' }
  return { code: 'BRUME_PEER_INTERNAL', message: error.message }
}

type Stream = Pick<NodeJS.WriteStream, 'isTTY'>

/** Colours where somebody looks: on a terminal, unless NO_COLOR (no-color.org) is set. */
const painted =
  (open: number) =>
  (text: string, stream: Stream = process.stdout): string =>
    stream.isTTY && !process.env.NO_COLOR ? `\u001b[${open}m${text}\u001b[0m` : text

export const paint = { red: painted(31), green: painted(32), yellow: painted(33), dim: painted(2), bold: painted(1) }

/** Rows as columns of equal width; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}
