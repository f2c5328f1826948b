import { createRegistry } from '@brume/observe'
import { afterEach, expect, test } from 'vitest'
import type { Host } from '../host/libp2p.ts'
import { Links } from '../links.ts'
import { netMetrics } from '../metrics.ts'
import { host, stopHosts } from '../test/hosts.ts'
import { clock, log, until } from '../test/nodes.ts'
import { MuteWatch } from './mute.ts'

afterEach(stopHosts)

const TOPIC = 'mute'

async function watched(): Promise<{ host: Host; watch: MuteWatch }> {
  const one = await host([TOPIC])
  const links = new Links(one, clock, log, () => true)
  return { host: one, watch: new MuteWatch(one, links, netMetrics(createRegistry()), log) }
}

const speaks = ({ services }: Host): boolean =>
  (services.pubsub as unknown as { streamsOutbound: Map<string, unknown> }).streamsOutbound.size === 1

async function subscribed(): Promise<[{ host: Host; watch: MuteWatch }, { host: Host; watch: MuteWatch }]> {
  const [a, b] = [await watched(), await watched()]
  await a.host.dial(b.host.getMultiaddrs())
  await until('gossip streams stand', () => speaks(a.host) && speaks(b.host))
  for (const one of [a, b]) one.host.services.pubsub.subscribe(TOPIC)
  await until('both subscribe', () =>
    [a, b].every((one) => one.host.services.pubsub.getSubscribers(TOPIC).length === 1)
  )
  return [a, b]
}

async function recipients({ services }: Host, text: string): Promise<number> {
  const result = await services.pubsub.publish(TOPIC, Buffer.from(text), { floodPublish: false })
  return result.recipients.length
}

test('the connection that carries gossip closes while another stays: both directions again', async () => {
  const [a, b] = await subscribed()
  const [first] = a.host.getConnections(b.host.peerId)
  await b.host.dial(a.host.getMultiaddrs(), { force: true })
  await until('two connections', () => a.host.getConnections(b.host.peerId).length === 2)
  await first?.close()
  await until('one connection', () => a.host.getConnections(b.host.peerId).length === 1)
  await until('both speak again', () => speaks(a.host) && speaks(b.host), 6_000)
  expect(await recipients(a.host, 'from a')).toBe(1)
  expect(await recipients(b.host, 'from b')).toBe(1)
})

test('a gossip stream that broke off is found by the round and opened again', async () => {
  const [a, b] = await subscribed()
  const [connection] = a.host.getConnections(b.host.peerId)
  const stream = connection?.streams.find(
    ({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound'
  )
  stream?.abort(new Error('as after an overrun buffer'))
  expect(await recipients(a.host, 'into the void')).toBe(0)
  await until('the round heals it', () => {
    void a.watch.check()
    return speaks(a.host)
  })
  expect(await recipients(a.host, 'heard again')).toBe(1)
})
