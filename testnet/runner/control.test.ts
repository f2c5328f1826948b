import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { TestnetError } from '../errors.ts'
import { askControl, type ControlRequest, type ControlServer, controlSocketPath, serveControl } from './control.ts'

const path = controlSocketPath(`test-${process.pid}`)
let server: ControlServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function start(answer: (request: ControlRequest) => unknown): Promise<void> {
  server = await serveControl(path, answer)
}

test('an answer comes back, and so does the error that was thrown instead', async () => {
  await start((request) => {
    if (request.do === 'kill') throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', 'no such peer')
    return { asked: request.do }
  })
  expect(await askControl(path, { do: 'status' })).toEqual({ asked: 'status' })
  await expect(askControl(path, { do: 'kill', peers: ['x'] })).rejects.toMatchObject({
    code: 'BRUME_TESTNET_UNKNOWN_PEER',
    message: 'no such peer'
  })
})

test('where nobody listens, it says so', async () => {
  await expect(askControl(`${path}.none`, { do: 'status' })).rejects.toMatchObject({
    code: 'BRUME_TESTNET_NOT_RUNNING'
  })
})

test('a line that is no JSON, a flood and an early end leave the server standing', async () => {
  await start(() => 'alive')
  for (const text of ['{]\n', 'x'.repeat(100_000), '']) {
    const socket = connect(path, () => socket.end(text))
    await new Promise((resolve) =>
      socket
        .on('error', () => undefined)
        .on('close', resolve)
        .resume()
    )
  }
  expect(await askControl(path, { do: 'status' })).toBe('alive')
})
