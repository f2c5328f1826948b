import { unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import type { Cancel, Log } from '@brume/ports'
import { hasCode, PeerError } from '../errors.ts'
import { LineCutter } from './lines.ts'
import {
  type Answer,
  type Arguments,
  isStream,
  REQUEST_BYTES_MAX,
  type Request,
  readRequest,
  type StreamRequest
} from './messages.ts'

/** What the control socket serves. */
export interface ControlService {
  answer(request: Request, args: Arguments): Promise<unknown> | unknown
  /** Calls with everything that happens until cancelled. A throw is the answer. */
  stream(request: StreamRequest, args: Arguments, listener: (event: object) => void): Cancel
}

export interface ControlServer {
  readonly path: string
  close(): Promise<void>
}

/** People and scripts of one user; more at once is a fault. */
const CLIENTS_MAX = 32
/** A local client writes its one line at once. */
const REQUEST_TIMEOUT_MS = 5_000
/** An event reader that lags by this much is let go rather than kept in memory. */
const EVENT_BACKLOG_BYTES_MAX = 262_144

/**
 * Serves JSON lines on a unix socket. Call it only as owner of the data directory that the path
 * stands for: a socket found there is then a killed peer's, and is replaced.
 */
export async function serveControl(path: string, service: ControlService, log: Log): Promise<ControlServer> {
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    converse(socket, service, log)
  })
  server.maxConnections = CLIENTS_MAX
  await listen(server, path)
  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy()
      // Closing removes the socket's file as well.
      await new Promise((done) => server.close(done))
    }
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', (error) =>
      failed(new PeerError('BRUME_PEER_CONTROL', `the control socket ${path} cannot be made (${error.message})`, error))
    )
    server.listen(path, listening)
  })
}

function converse(socket: Socket, service: ControlService, log: Log): void {
  const cutter = new LineCutter(REQUEST_BYTES_MAX)
  const onData = (chunk: Buffer): void => {
    const line = firstLine(cutter, chunk)
    if (line === undefined) return
    socket.off('data', onData).resume().setTimeout(0)
    respond(socket, line, service, log).catch((error: unknown) => {
      log.warn({ error }, 'a control request could not be answered')
      socket.destroy()
    })
  }
  socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy())
  // A client that goes away mid-answer is its own business.
  socket.on('error', (error) => log.debug({ error }, 'a control client left')).on('data', onData)
}

/** The request line once complete; a line that is too long is answered like any other bad one. */
function firstLine(cutter: LineCutter, chunk: Buffer): string | undefined {
  try {
    return cutter.push(chunk)[0]
  } catch {
    return ''
  }
}

async function respond(socket: Socket, line: string, service: ControlService, log: Log): Promise<void> {
  const asked = readRequest(line)
  if ('fault' in asked) return finish(socket, refusal('BRUME_PEER_CONTROL', asked.fault))
  const { request, args } = asked
  try {
    if (isStream(request)) return stream(socket, service, request, args)
    finish(socket, { ok: true, value: await service.answer(request, args) })
  } catch (error) {
    const [code, message] = [codeOf(error), error instanceof Error ? error.message : String(error)]
    // Whoever asked is told; only what has no name of ours is a fault of this peer.
    if (code === 'BRUME_PEER_INTERNAL') log.error({ error, request }, 'a control request failed')
    else log.debug({ code, why: message, request }, 'a control request was refused')
    finish(socket, refusal(code, message))
  }
}

/** An error that brume names goes to whoever asked by its name. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code.startsWith('BRUME_') ? code : 'BRUME_PEER_INTERNAL'
}

const refusal = (code: string, message: string): Answer => ({ ok: false, error: { code, message } })

function finish(socket: Socket, answer: Answer): void {
  socket.end(`${JSON.stringify(answer)}\n`)
}

function stream(socket: Socket, service: ControlService, request: StreamRequest, args: Arguments): void {
  const lines: object[] = [{ ok: true, value: null } satisfies Answer]
  const write = (): void => {
    for (const line of lines.splice(0)) socket.write(`${JSON.stringify(line)}\n`)
    if (socket.writableLength > EVENT_BACKLOG_BYTES_MAX) socket.destroy()
  }
  let isOpen = false
  const cancel = service.stream(request, args, (event) => {
    lines.push(event)
    if (isOpen) write()
  })
  isOpen = true
  write()
  socket.once('close', cancel)
}
