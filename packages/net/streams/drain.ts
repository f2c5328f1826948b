import type { Stream } from '@libp2p/interface'
import { NetError } from '../errors.ts'
import { WRITE_BYTES_MAX } from './frames.ts'

/**
 * Resolves when the stream takes more. Never `stream.onDrain()`: it keeps its first promise and
 * resolves at once from the second time on, so nothing holds the writer back (libp2p.md 4).
 */
async function writable(stream: Stream, signal: AbortSignal): Promise<void> {
  while (stream.writableNeedsDrain) {
    signal.throwIfAborted()
    if (stream.writeStatus !== 'writable') throw closedError(stream)
    await oneOf(stream, signal)
  }
}

/** Writes all bytes in pieces, each only when the stream takes it: its buffer stays below two pieces. */
export async function writeAll(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < bytes.length; at += WRITE_BYTES_MAX) {
    await writable(stream, signal)
    stream.send(bytes.subarray(at, at + WRITE_BYTES_MAX))
  }
}

function oneOf(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeEventListener('drain', done)
      stream.removeEventListener('close', done)
      signal.removeEventListener('abort', done)
      // The stream's own listener continues its sending in a microtask; look after that.
      setImmediate(resolve)
    }
    stream.addEventListener('drain', done)
    stream.addEventListener('close', done)
    signal.addEventListener('abort', done)
  })
}

function closedError(stream: Stream): NetError {
  return new NetError(
    'BRUME_NET_STREAM_CLOSED',
    `the stream ended (${stream.status}) before all was written: try again`
  )
}
