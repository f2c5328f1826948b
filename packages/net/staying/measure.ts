import type { WatchOptions } from './watch.ts'

/** Brings the gauges up to date; what they show is at most a few seconds old. */
export function measure({ links, metrics, dialer, channels, topics }: WatchOptions, slowPeers: number): void {
  const connections = links.all()
  for (const direction of ['inbound', 'outbound'] as const) {
    const count = connections.filter((connection) => connection.direction === direction).length
    metrics.connections.set({ direction }, count)
  }
  metrics.redialWait.set(dialer.waiting())
  metrics.slowPeers.set(slowPeers)
  for (const [topic, peers] of topics.meshSizes()) metrics.meshPeers.set({ topic }, peers)

  const queued = { control: 0, data: 0, bulk: 0 }
  for (const hub of channels) {
    for (const [, lane] of hub.lanes()) queued[hub.protocol.class] += lane.queuedBytes
  }
  for (const [frameClass, bytes] of Object.entries(queued)) metrics.queueBytes.set({ class: frameClass }, bytes)

  metrics.streams.reset()
  const streams = connections.flatMap((connection) => connection.streams)
  for (const { protocol } of streams) metrics.streams.inc({ protocol: protocol || 'unnegotiated' })
}
