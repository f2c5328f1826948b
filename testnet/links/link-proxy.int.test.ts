import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { LinkProxy } from './link-proxy.ts'
import type { Shape } from './profiles.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A server that sends back what it hears, known to the proxy as `b`. */
async function startEcho(
  shapes: ReadonlyMap<string, Shape>
): Promise<{ proxy: LinkProxy; dial: () => Promise<Socket> }> {
  const echo: Server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as { port: number }
  const proxy = new LinkProxy()
  const proxyPort = await proxy.listen()
  proxy.setPeers(new Map([[port, 'b']]))
  proxy.setShapes(shapes)
  ends.push(
    () => echo.close(),
    () => proxy.close()
  )
  const dial = async (): Promise<Socket> => {
    const socket = connect(proxyPort, '127.0.0.1', () => socket.write(`a ${port}\n`))
    socket.on('error', () => undefined)
    ends.push(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { proxy, dial }
}

function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve))
}

async function hear(socket: Socket, bytes: number): Promise<string> {
  let heard = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    heard += chunk
    if (heard.length >= bytes) break
  }
  return heard
}

test('bytes come back whole and in order through a slow link with losses', async () => {
  const shape = { delayMs: 5, jitterMs: 10, lossPct: 2, rateKbit: 100_000 }
  const { dial } = await startEcho(new Map([['a b', shape]]))
  const socket = await dial()
  const sent = Array.from({ length: 20_000 }, (_, i) => `${i} `).join('')
  socket.write(sent)
  expect(await hear(socket, sent.length)).toBe(sent)
})

test('a blocked link holds bytes back and loses none; a cut one is reset, and refuses until it is healed', async () => {
  const { proxy, dial } = await startEcho(new Map())
  const socket = await dial()
  socket.write('before ')
  expect(await hear(socket, 7)).toBe('before ')
  proxy.setFault([['b'], ['a']], 'block')
  socket.write('during ')
  proxy.setFault([['b'], ['a']], null)
  expect(await hear(socket, 7)).toBe('during ')

  proxy.setFault([['b'], ['a']], 'cut')
  await closed(socket)
  const refused = await dial()
  await closed(refused)
  expect(proxy.account()).toMatchObject({ refused: 1 })
  proxy.setFault([['b'], ['a']], null)
  const healed = await dial()
  healed.write('after')
  expect(await hear(healed, 5)).toBe('after')
})

test('a port that is no peer’s, and a dialler that says nothing sensible, are refused', async () => {
  const { proxy, dial } = await startEcho(new Map())
  proxy.setPeers(new Map())
  const socket = await dial()
  await closed(socket)
  expect(proxy.account()).toEqual({ ports: [], refused: 1 })
})
