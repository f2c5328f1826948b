import { randomBytes } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { assign, setup } from 'xstate'
import { createPeer, type Peer } from '../index.ts'

const counter = setup({ types: {} as { context: { n: number }; events: { type: 'add' } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
})

let peer: Peer
afterEach(() => peer.stop())

interface Told {
  readonly type: string
  readonly name?: string
  readonly definition?: string
  readonly snapshot: { readonly context: unknown }
}

/** What a reader with these headers hears. */
function listen(port: number): { readonly told: Told[]; readonly socket: WebSocket } {
  const told: Told[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  socket.addEventListener('message', ({ data }) => told.push(JSON.parse(String(data))))
  return { told, socket }
}

it('tells an inspector which actors there are and what they become', { timeout: 120_000 }, async () => {
  const network = `test-${randomBytes(8).toString('hex')}`
  peer = await createPeer({ profile: 'local', store: 'memory', mdns: false, network, logLevel: 'silent' })
  const { port } = await peer.inspect()
  const ref = await peer.spawn(await peer.register<typeof counter>(counter, { name: 'counter', version: 1 }), {
    id: 'c'
  })
  const first = listen(port)
  const known = () => first.told.find(({ type }) => type === '@xstate.actor')
  await expect.poll(known, { timeout: 60_000 }).toMatchObject({ name: 'c', snapshot: { context: { n: 0 } } })
  expect(JSON.parse(known()?.definition ?? '')).toMatchObject({ id: 'counter' })
  await ref.submit({ type: 'add' })
  const changed = () => first.told.find(({ type }) => type === '@xstate.snapshot')
  await expect.poll(changed, { timeout: 60_000 }).toMatchObject({ snapshot: { context: { n: 1 } } })
  first.socket.close()
})

it('refuses pages of other sites', { timeout: 120_000 }, async () => {
  const network = `test-${randomBytes(8).toString('hex')}`
  peer = await createPeer({ profile: 'local', store: 'memory', mdns: false, network, logLevel: 'silent' })
  const { port } = await peer.inspect()
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  const { request } = await import('node:http')
  const answer = (headers: object) =>
    new Promise((done, failed) => {
      const asked = request({ port, host: '127.0.0.1', headers: { ...upgrade, ...headers } })
      asked.on('response', ({ statusCode }) => done(statusCode)).on('error', failed)
      asked.on('upgrade', (_, socket) => {
        socket.destroy()
        done(101)
      })
      asked.end()
    })
  expect(await answer({ origin: 'https://evil.example' })).toBe(403)
  expect(await answer({ host: 'evil.example' })).toBe(403)
  expect(await answer({ origin: 'https://stately.ai' })).toBe(101)
})
