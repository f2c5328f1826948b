import { connect } from 'node:net'
import { hasCode, PeerError } from '../errors.ts'
import { LineCutter } from './lines.ts'
import { ANSWER_BYTES_MAX, type Arguments, type Request, readAnswer, type StreamRequest } from './messages.ts'

/** A peer answers from memory; one that is busy for longer than this is stuck. */
const ANSWER_TIMEOUT_MS = 5_000

export interface AskOptions {
  readonly timeoutMs?: number
  readonly args?: Arguments
}

/** What the peer that was asked refused with: its own code and sentence. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Asks the peer that listens on this socket. Rejects with `BRUME_PEER_NOT_RUNNING` when none does,
 * with `BRUME_PEER_CONTROL` when it says nothing useful in time, with `RefusedError` when it says no.
 */
export function askControl(
  path: string,
  request: Request,
  { timeoutMs = ANSWER_TIMEOUT_MS, args = {} }: AskOptions = {}
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const cutter = new LineCutter(ANSWER_BYTES_MAX)
  const socket = connect(path, () => socket.write(`${JSON.stringify({ ...args, do: request })}\n`))
  socket.setTimeout(timeoutMs, () => fail(`it did not answer within ${timeoutMs} ms`))
  socket.on('error', (error) => reject(connectError(path, error)))
  // After an answer this rejection finds the promise settled.
  socket.on('close', () => fail('it closed the connection without an answer'))
  socket.on('data', (chunk) => {
    try {
      const [line] = cutter.push(chunk)
      if (line !== undefined) take(line)
    } catch (error) {
      fail('its answer is too long', error)
    }
  })

  function take(line: string): void {
    const answer = readAnswer(line)
    if (answer === undefined) fail('its answer cannot be read')
    else if (answer.ok) resolve(answer.value)
    else if (answer.error.code === 'BRUME_PEER_INTERNAL') fail(answer.error.message)
    else reject(new RefusedError(answer.error.code, answer.error.message))
    socket.destroy()
  }

  function fail(why: string, cause?: unknown): void {
    reject(new PeerError('BRUME_PEER_CONTROL', `the peer behind ${path} cannot be asked: ${why}`, cause))
    socket.destroy()
  }

  return promise
}

/**
 * Asks for what goes on, and calls with each thing that happens until the peer ends it. Rejects as `askControl` does.
 */
export function streamControl(
  path: string,
  request: StreamRequest,
  args: Arguments,
  told: (event: unknown) => void
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cutter = new LineCutter(ANSWER_BYTES_MAX)
  const socket = connect(path, () => socket.write(`${JSON.stringify({ ...args, do: request })}\n`))
  let isAnswered = false
  const take = (line: string): void => {
    if (isAnswered) return told(JSON.parse(line))
    const answer = readAnswer(line)
    isAnswered = answer?.ok === true
    if (answer?.ok === false) reject(new RefusedError(answer.error.code, answer.error.message))
  }
  socket.on('error', (error) => reject(connectError(path, error)))
  socket.on('close', () => resolve())
  socket.on('data', (chunk) => {
    try {
      for (const line of cutter.push(chunk)) take(line)
    } catch (error) {
      reject(new PeerError('BRUME_PEER_CONTROL', `what the peer behind ${path} says cannot be read`, error))
      socket.destroy()
    }
  })
  return promise
}

function connectError(path: string, error: Error): PeerError {
  if (hasCode(error, 'ENOENT', 'ECONNREFUSED'))
    return new PeerError('BRUME_PEER_NOT_RUNNING', 'no peer runs here; start one with: brume up', error)
  return new PeerError('BRUME_PEER_CONTROL', `${path} cannot be opened (${error.message})`, error)
}
