import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { systemClock } from '@brume/ports/system'
import { describe, expect, it, vi } from 'vitest'

/** Connects, waits until told, then writes one byte: the other thread may be busy meanwhile. */
const WRITER = `
const { parentPort, workerData } = require('node:worker_threads')
const socket = require('node:net').connect(workerData.port, '127.0.0.1', () => parentPort.postMessage('connected'))
parentPort.once('message', () => setTimeout(() => socket.write('x'), 30))
`

function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('the system clock', () => {
  it('runs a timeout that expired in a stall after the data that arrived in it', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const accepted = once(server, 'connection')
    const worker = new Worker(WRITER, { eval: true, workerData: { port } })
    try {
      await once(worker, 'message')
      const [socket] = (await accepted) as [Socket]
      const order: string[] = []
      socket.on('data', () => order.push('data'))
      const naive = setTimeout(() => order.push('naive'), 20)
      systemClock().after(20, () => order.push('after'))
      worker.postMessage('write')
      block(300)
      await vi.waitFor(() => expect(order).toContain('after'), { timeout: 10_000, interval: 5 })
      expect(order.indexOf('data')).toBeGreaterThanOrEqual(0)
      expect(order.indexOf('data')).toBeLessThan(order.indexOf('after'))
      // What it is there for: a plain timer was earlier than the data.
      expect(order[0]).toBe('naive')
      clearTimeout(naive)
    } finally {
      await worker.terminate()
      server.close()
    }
  })

  it('gives the time of a stall back, up to twice the delay', async () => {
    const clock = systemClock()
    const startMs = clock.now()
    let tookMs = 0
    clock.after(500, () => {
      tookMs = clock.now() - startMs
    })
    // In the middle of the wait, and after a probe of the loop came due.
    setTimeout(() => block(300), 60)
    await vi.waitFor(() => expect(tookMs).toBeGreaterThan(0), { timeout: 10_000, interval: 5 })
    expect(tookMs).toBeGreaterThan(640)
  })
})
