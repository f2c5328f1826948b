import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { openSockets } from './sockets.ts'

const CONNECTIONS_MAX = 32

it('lets go of those that ask for nothing, at once where they are many', { timeout: 60_000 }, async () => {
  const sockets = await openSockets(0, () => undefined)
  let closed = 0
  const silent = Array.from({ length: CONNECTIONS_MAX + 8 }, () => connect(sockets.port, '127.0.0.1'))
  for (const socket of silent) {
    // Reset or ended: how it is closed says nothing.
    socket.on('error', () => undefined).on('close', () => (closed += 1))
    socket.resume().write('GET / HTTP/1.1\r\n')
  }
  await expect.poll(() => closed, { timeout: 50_000 }).toBe(silent.length)
  const late = connect(sockets.port, '127.0.0.1').on('error', () => undefined)
  late.write('GET / HTTP/1.1\r\n')
  await once(late, 'connect')
  await sockets.close()
})
