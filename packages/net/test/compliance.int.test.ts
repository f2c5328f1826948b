import { netCompliance } from '@brume/testkit/compliance'
import { freshNetwork, node, until, wants } from './nodes.ts'

netCompliance('libp2p on loopback', async (count) => {
  const network = freshNetwork()
  const nets = await Promise.all(Array.from({ length: count }, () => node(network)))
  await Promise.all(nets.map((net) => net.start()))
  for (const net of nets) wants(net, ...nets.filter((other) => other !== net))
  return {
    nets,
    until: (condition, what) => until(what, condition, 30_000),
    stop: async () => {
      await Promise.all(nets.map((net) => net.stop()))
    }
  }
})
