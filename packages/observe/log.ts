import type { Log } from '@brume/ports'
import { type DestinationStream, destination as openDestination, pino, stdSerializers } from 'pino'
import { ObserveError } from './error.ts'
import { prettyLine } from './pretty.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  /** Less severe lines are not even formatted. */
  readonly level: LogLevel
  /** In every line, to tell peers in one terminal apart. */
  readonly name?: string
  /** For people: `time level name message key=value`. Default false: one JSON object a line. */
  readonly pretty?: boolean
  /** A file to append to; its folder is made. Default standard error, since standard output carries results. */
  readonly destination?: string
}

const STDERR_FD = 2

/**
 * Lines as pino writes them, synchronously, so that the last ones before a crash are there. A disk
 * that is full loses lines and stops nothing. Fields `error` and `err` keep stack and cause; `seed` is
 * left out. Throws `ObserveError` if the file cannot be opened.
 */
export function createLog(options: LogOptions): Log {
  const { level, name, pretty = false } = options
  const output = open(options.destination)
  const stream: DestinationStream = pretty ? { write: (line) => output.write(prettyLine(line)) } : output
  return pino(
    {
      level,
      ...(name === undefined ? {} : { name }),
      base: { pid: process.pid },
      serializers: { err: stdSerializers.errWithCause, error: stdSerializers.errWithCause },
      redact: { paths: ['seed', '*.seed'], remove: true }
    },
    stream
  )
}

function open(path: string | undefined): DestinationStream {
  try {
    const output = openDestination({ dest: path ?? STDERR_FD, sync: true, mkdir: true })
    // Without a listener a failed write would end the process.
    output.on('error', () => {})
    return output
  } catch (cause) {
    throw new ObserveError('BRUME_OBSERVE_LOG_FILE', `cannot write the log to ${path}; check folder and rights`, {
      cause
    })
  }
}
