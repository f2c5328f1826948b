import { netCompliance } from '../compliance/index.ts'
import { SimClock } from '../sim-clock.ts'
import { SimRandom, seedFromHex } from '../sim-random.ts'
import { SimNet } from './sim-net.ts'

netCompliance('simulated', async (count) => {
  const clock = new SimClock()
  const random = new SimRandom(seedFromHex('00112233445566778899aabbccddeeff'), 'net')
  const world = new SimNet({ clock, random })
  const peers = Array.from({ length: count }, (_, index) => `peer-${index}`)
  return {
    nets: peers.map((peer) => world.start(peer)),
    until: async (condition, what) => {
      if (!(await clock.until(condition))) throw new Error(`did not happen in simulated time: ${what}`)
    },
    stop: async () => {
      for (const peer of peers) world.stop(peer)
    }
  }
})
