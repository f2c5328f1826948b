import { tmpdir } from 'node:os'
import { detectHost, type HostDescription } from '@brume/actors/membership'
import { identityFromSeed } from '@brume/crypto'
import type { NetNode } from '@brume/net'
import { createLog } from '@brume/observe'
import { inlineExecutor } from '@brume/runtime/replica'
import { NodeClock, type PipeSettings, SimClock, SimNet, SimRandom, seedFromHex } from '@brume/testkit'
import { placementLogic } from '../actors/standby/logic.ts'
import type { Peer, PreparedPeer } from '../index.ts'
import type { PeerPorts } from '../options.ts'
import { preparePeer } from '../peer.ts'
import { nodeOf } from './node.ts'

export interface SimulationOptions {
  /** How many, at most 64. */
  readonly peers: number
  /** 32 hex digits: the same seed and the same calls are the same run. */
  readonly seed: string
  /** Of every direction between two peers: delays, loss, rate. Default 2 ms +- 1. */
  readonly net?: Partial<PipeSettings>
  /** By number of the peer: stands between its network and all that use it, and may lie. */
  readonly byzantine?: Readonly<Record<number, (net: NetNode) => NetNode>>
}

/** Peers of one process in virtual time. */
export interface Simulation {
  readonly peers: readonly Peer[]
  /** To part peers, slow them down, stop them. */
  readonly net: SimNet
  /** Virtual milliseconds since the beginning. */
  now(): number
  /** Lets so much time pass. */
  run(ms: number): Promise<void>
  /** Lets time pass until this has settled; rejects with a RangeError after `limitMs` of it. Default 60,000. */
  until<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  stop(): Promise<void>
}

const PEERS_MAX = 64

/**
 * Starts peers that know each other, all in memory and in virtual time: what takes minutes takes as long as its
 * computing. Whatever of a peer waits for something goes through `until`: time stands still elsewhere. Machines that are
 * replicated are registered by their URL, and are bundled then.
 */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  if (options.peers < 1 || options.peers > PEERS_MAX) throw new RangeError(`1 to ${PEERS_MAX} peers can be simulated`)
  const clock = new SimClock()
  const random = new SimRandom(seedFromHex(options.seed), 'peers')
  const net = new SimNet({ clock, random: random.stream('net'), ...(options.net && { pipe: options.net }) })
  const host = await fixedHost()
  // As below: while virtual time passes, none is left for bundling.
  await placementLogic(() => true).bundle()
  const started: PreparedPeer[] = []
  for (let number = 0; number < options.peers; number++) {
    const wrapNet = options.byzantine?.[number] ?? ((node: NetNode) => node)
    started.push(
      await prepare({ clock: new NodeClock(clock), random: random.stream(`peer:${number}`), net, host, wrapNet })
    )
  }
  const simulation = simulationOf(clock, net, started)
  await simulation.until(Promise.all(started.map((peer) => peer.start())))
  return simulation
}

function simulationOf(clock: SimClock, net: SimNet, started: readonly PreparedPeer[]): Simulation {
  const until = async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
    let isSettled = false
    const settled = () => {
      isSettled = true
    }
    promise.then(settled, settled)
    if (await clock.until(() => isSettled, limitMs)) return promise
    throw new RangeError(`nothing came of it within ${limitMs} virtual ms`)
  }
  return {
    ...{ net, until, peers: started.map(bundlingEarly) },
    now: () => clock.now(),
    run: (ms) => clock.pass(ms),
    stop: async () => {
      await until(Promise.all(started.map((peer) => peer.stop())))
    }
  }
}

/** Bundling takes real time, which must not pass while virtual time does. */
function bundlingEarly(peer: PreparedPeer): Peer {
  const register: Peer['register'] = (source, options) => {
    const isUrl = typeof source === 'string' || 'href' in source
    return peer.register(source, isUrl ? { samples: {}, ...options } : options)
  }
  return Object.defineProperty(Object.create(peer) as Peer, 'register', { value: register })
}

interface World extends Pick<PeerPorts, 'clock' | 'random' | 'wrapNet'> {
  readonly net: SimNet
  readonly host: HostDescription
}

function prepare({ clock, random, net, host, wrapNet }: World): Promise<PreparedPeer> {
  return preparePeer({
    ...{ store: 'memory', profile: 'local', network: 'simulation', mdns: false, logLevel: 'silent' },
    ports: {
      ...{ clock, random, wrapNet, log: createLog({ level: 'silent' }), executor: inlineExecutor },
      makeNet: async ({ seed }) => nodeOf(net, identityFromSeed(seed).peerId),
      machine: { detect: async () => host, sample: async () => host.state, clockQuality: async () => 2 }
    }
  })
}

/** The same on whatever machine it is simulated. */
async function fixedHost(): Promise<HostDescription> {
  const os = {
    platform: 'linux',
    arch: 'x64',
    cores: 4,
    processor: 'simulated',
    memoryBytes: 8 * 2 ** 30,
    loadAverage: 0,
    interfaces: []
  } as const
  const found = await detectHost({ os, root: tmpdir(), searchPath: [], class: 'server', tier: 'edge' })
  return { ...found, host: { ...found.host, storageMiB: 100_000 } }
}
