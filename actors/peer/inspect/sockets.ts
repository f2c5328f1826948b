import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { PeerError } from '../errors.ts'

/** Tabs of one person; more at once is a fault. */
const CLIENTS_MAX = 8
/** With pages that are about to be refused: others are closed at once. */
const CONNECTIONS_MAX = 32
/** A browser on this machine sends its few lines at once. */
const REQUEST_TIMEOUT_MS = 5_000
const TIMES = {
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000
}
/** A tab that lags by this much is let go rather than kept in memory. */
const BACKLOG_BYTES_MAX = 4 * 1_048_576

/** RFC 6455, section 1.3. */
const HANDSHAKE = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TEXT = 0x81
const CLOSE = 0x08

export interface Sockets {
  readonly port: number
  /** Open ones. */
  readonly size: number
  /** One JSON message to all. */
  send(message: object): void
  close(): Promise<void>
}

/**
 * WebSockets (RFC 6455) on the loopback interface that only tell and never listen. Pages of other sites than the
 * inspector's are refused: any page in a browser may try to connect to this machine. @throws PeerError USAGE
 */
export async function openSockets(port: number, joined: (send: (message: object) => void) => void): Promise<Sockets> {
  const open = new Set<Duplex>()
  const server = createServer(TIMES, (_, response) => response.writeHead(426, { connection: 'close' }).end())
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    const key = request.headers['sec-websocket-key']
    if (key === undefined || open.size >= CLIENTS_MAX || !isOwn(request))
      return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('data', (chunk: Buffer) => ((chunk[0] ?? 0) & 0x0f) === CLOSE && socket.end())
    socket.write(accept(key))
    joined((message) => write(socket, message))
  })
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    get size() {
      return open.size
    },
    send: (message) => {
      for (const socket of open) write(socket, message)
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    }
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', (error) =>
      failed(new PeerError('BRUME_PEER_USAGE', `port ${port} cannot be opened (${error.message})`, error))
    )
    server.listen(port, '127.0.0.1', listening)
  })
}

/** Named as this machine's, and by no page but the inspector's or one of this machine. */
function isOwn({ headers: { host = '', origin } }: IncomingMessage): boolean {
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host)) return false
  return origin === undefined || /^(https:\/\/stately\.ai|https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/.test(origin)
}

function accept(key: string): string {
  const answer = createHash('sha1')
    .update(key + HANDSHAKE)
    .digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return `${[...lines, `Sec-WebSocket-Accept: ${answer}`].join('\r\n')}\r\n\r\n`
}

function write(socket: Duplex, message: object): void {
  const body = Buffer.from(JSON.stringify(message))
  socket.write(Buffer.concat([headOf(body.length), body]))
  if (socket.writableLength > BACKLOG_BYTES_MAX) socket.destroy()
}

/** Of one whole text frame, unmasked, as a server sends. */
function headOf(bytes: number): Buffer {
  if (bytes < 126) return Buffer.of(TEXT, bytes)
  const head = Buffer.alloc(bytes < 65_536 ? 4 : 10)
  head[0] = TEXT
  head[1] = bytes < 65_536 ? 126 : 127
  if (bytes < 65_536) head.writeUInt16BE(bytes, 2)
  else head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}
