import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Net, PeerId } from '@brume/ports'
import { BenchError } from '../harness/errors.ts'

/** How far members are from each other: not at all, 40 ms one way, or in ten regions of a cloud. */
export const PROFILES = ['loopback', 'wan80', 'aws'] as const
export type Profile = (typeof PROFILES)[number]

const WAN80_ONE_WAY_MS = 40

/** Median round trips between regions, ms: outside of the repository, and not everywhere. */
const VECTORS = process.env.BRUME_VECTORS ?? resolve(import.meta.dirname, '../../../shared/vectors')
const TABLE = 'aws-latency-p50-ms.json'

/** Of quorum.md 16.2; members are spread over them evenly, neighbors by index in one. */
const REGIONS = [
  'us-west-1',
  'us-east-1',
  'eu-west-1',
  'ap-northeast-1',
  'eu-north-1',
  'ap-south-1',
  'sa-east-1',
  'eu-central-1',
  'ap-northeast-2',
  'ap-southeast-2'
] as const

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>

/**
 * One-way delays between members, ms.
 *
 * @throws BenchError `BRUME_BENCH_USAGE` where the table of the profile is not here
 */
export function distancesOf(profile: Profile, members: number): (from: number, to: number) => number {
  if (profile === 'loopback') return () => 0
  if (profile === 'wan80') return () => WAN80_ONE_WAY_MS
  const table = readTable()
  const region = (member: number) => REGIONS[Math.floor((member * REGIONS.length) / members)] ?? REGIONS[0]
  return (from, to) => (table[region(from)]?.[region(to)] ?? table[region(to)]?.[region(from)] ?? 0) / 2
}

function readTable(): Table {
  const path = resolve(VECTORS, TABLE)
  if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { data: Table }).data
  throw new BenchError('BRUME_BENCH_USAGE', `the profile aws needs ${TABLE}: set BRUME_VECTORS to the folder it is in`)
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
