import { peerIdFromKey } from '@brume/crypto'
import type { Log } from '@brume/ports'
import { NodeClock, SimClock, SimNet, type SimNode, SimRandom, seedFromHex } from '@brume/testkit'
import { createKernel, type Kernel, type KernelOptions, type Kind, type Mailbox } from '../kernel/index.ts'
import type { Effect, Event, Json } from '../logic/port.ts'
import { reducer } from '../logic/reducer.ts'
import { createDelivery, type Delivery, type DeliveryOptions } from './index.ts'

/** Peer ids that are ids of keys: addresses take no others. */
export const PEERS: readonly string[] = [1, 2, 3].map((byte) => peerIdFromKey(new Uint8Array(32).fill(byte)))

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** One peer: its kernel, and its way to the others. */
export interface Node {
  readonly peer: string
  readonly kernel: Kernel
  readonly delivery: Delivery
  readonly net: SimNode
  readonly clock: NodeClock
  at(path: string): string
}

type More = Partial<DeliveryOptions> & Pick<Partial<KernelOptions>, 'admins' | 'store'>

/** Peers in virtual time over a simulated network. */
export class World {
  readonly clock = new SimClock()
  readonly net: SimNet
  readonly #random = new SimRandom(seedFromHex('00112233445566778899aabbccddeeff'), 'world')
  #starts = 0

  constructor() {
    this.net = new SimNet({ clock: this.clock, random: this.#random.stream('net') })
  }

  start(index: number, more: More = {}): Node {
    const peer = PEERS[index] ?? ''
    this.#starts += 1
    const random = this.#random.stream(`peer ${index} ${this.#starts}`)
    const clock = new NodeClock(this.clock)
    const net = this.net.start(peer)
    const delivery = createDelivery({ net, clock, random, log: silent, ...more })
    const kernel = createKernel({ clock, random, log: silent, self: peer, remote: delivery, ...more })
    delivery.start(kernel)
    kernel.register(logbook)
    return { peer, kernel, delivery, net, clock, at: (path) => `brume://${peer}/${path}` }
  }

  /** As `kill -9` does. */
  kill({ peer, clock }: Node): void {
    this.net.stop(peer)
    clock.stop()
  }
}

/** Keeps the `n` of every `note`; answers `get` with them; hands `pass` on; emits what it keeps. */
export const logbook: Kind = {
  name: 'logbook',
  version: 1,
  logic: reducer({
    id: new Uint8Array(32).fill(1),
    init: (): { readonly seen: readonly Json[] } => ({ seen: [] }),
    reduce: (state, event, effects, scope) => {
      if (event.type === 'fail') throw new Error('as it was told')
      if (event.type === 'get' && scope.ask !== null)
        effects.push({ kind: 'reply', token: scope.ask, value: state.seen })
      if (event.type === 'pass') effects.push(passOn(event))
      if (event.type !== 'note') return state
      effects.push({ kind: 'emit', event: { type: 'noted', n: event.n ?? null } })
      return { seen: [...state.seen, event.n ?? null] }
    }
  })
}

const passOn = ({ to, n }: Event): Effect => ({ kind: 'send', to: String(to), event: { type: 'note', n: n ?? null } })

/** Spawns a logbook that lives in memory. */
export function spawnLogbook({ kernel }: Node, path: string, mailbox?: Mailbox): void {
  kernel.spawn(path, 'logbook', { durability: 'memory', ...(mailbox === undefined ? {} : { mailbox }) })
}

export async function seenBy({ kernel }: Node, path: string): Promise<readonly Json[]> {
  const { context } = await kernel.snapshot(path)
  return (context as { readonly seen: readonly Json[] }).seen
}
