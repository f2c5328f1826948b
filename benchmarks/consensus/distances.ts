import type { Net, PeerId } from '@brume/ports'
import { LATENCY_TABLE, regionalDelays, regionOf } from '@brume/testkit'
import { BenchError } from '../harness/errors.ts'

/** How far members are from each other: not at all, 40 ms one way, or in ten regions of a cloud. */
export const PROFILES = ['loopback', 'wan80', 'aws'] as const
export type Profile = (typeof PROFILES)[number]

const WAN80_ONE_WAY_MS = 40

/**
 * One-way delays between members, ms.
 *
 * @throws BenchError `BRUME_BENCH_USAGE` where the table of the profile is not here
 */
export function distancesOf(profile: Profile, members: number): (from: number, to: number) => number {
  if (profile === 'loopback') return () => 0
  if (profile === 'wan80') return () => WAN80_ONE_WAY_MS
  const delays = regionalDelays()
  if (delays === null) {
    const message = `the profile aws needs ${LATENCY_TABLE}: set BRUME_VECTORS to the folder it is in`
    throw new BenchError('BRUME_BENCH_USAGE', message)
  }
  return (from, to) => delays.oneWayMs(regionOf(from, members), regionOf(to, members))
}

/**
 * The network as if peers were so far away: what comes over channels is handed over later, in the order it came, and
 * links say so. Requests and gossip are as fast as ever: without faults nothing depends on them.
 *
 * @param delayOf - one way, ms
 */
export function distantNet(net: Net, delayOf: (peer: PeerId) => number): Net {
  return {
    ...net,
    channel: (protocol, handler) =>
      net.channel(protocol, {
        ...handler,
        frame: (from, body) => {
          setTimeout(() => {
            handler.frame(from, body)
            handler.flush?.()
          }, delayOf(from))
        }
      }),
    links: () => net.links().map((link) => ({ ...link, rttMs: (link.rttMs ?? 0) + 2 * delayOf(link.peer) }))
  }
}
