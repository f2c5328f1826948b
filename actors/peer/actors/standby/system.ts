import { counter, gauge, type Registry } from '@brume/observe'
import type { Clock, Log, Net, PeerId, Random, Store } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import { parseAddress } from '@brume/runtime/address'
import type { Delivery, Via } from '@brume/runtime/delivery'
import type { CellView, Kernel, Kind, Outbound, Remote, Snapshot, SpawnOptions } from '@brume/runtime/kernel'
import {
  createStandby,
  type Held,
  type HeldView,
  type Placement,
  type PlacementEvent,
  type Standby
} from '@brume/runtime/standby'
import { PeerError } from '../../errors.ts'
import type { Directory } from '../group/directory.ts'
import type { GroupRef } from '../group/ref.ts'
import { refusal } from '../group/refusals.ts'
import type { ActorView, QuorumOptions } from '../types.ts'
import { AtHolder, type Wanted } from './at-holder.ts'
import { Consent } from './consent.ts'
import { Holders } from './holders.ts'
import { HeldKernels } from './kernels.ts'
import { groupName } from './logic.ts'
import { Loop } from './loop.ts'
import { PlacementGroups } from './placements.ts'
import { Reach } from './reach.ts'
import { Route } from './route.ts'
import { startedKernel } from './started.ts'
import { StandbyStreams } from './streams.ts'
import { waysOf } from './ways.ts'

/** Copies besides the holder's, unless told. */
const FOLLOWERS = 2

export interface StandbySystemOptions {
  readonly net: Pick<Net, 'self' | 'channel'>
  readonly clock: Clock
  /** Milliseconds of a clock that also counts the time in which the machine sleeps. */
  readonly uptimeMs: () => number
  readonly random: Random
  readonly log: Log
  readonly registry: Registry
  readonly store: Store
  readonly directory: Pick<Directory, 'find'>
  readonly groupRef: (address: string) => GroupRef
  /** May that peer have an actor of this kind copied here? */
  readonly consents: (kind: string, peer: PeerId) => boolean
  /** A group of the placement machine, of this name among these members. @returns its address */
  readonly found: (name: string, quorum: QuorumOptions) => Promise<string>
  /** Placement groups of which this peer is a member, and how many groups it is in at all. */
  readonly authorities: () => Promise<readonly string[]>
  readonly groups: () => number
  readonly delivery: Delivery
  /** The peer's own kernel. */
  readonly main: Kernel
  /** Peers that may stop and move what is held here, besides its copies. */
  readonly admins: readonly PeerId[]
  /** The way to everything that is not in it. */
  readonly remote: Remote
  readonly onFatal: (error: Error) => void
}

/** A wish for an actor of mode `standby`. */
export interface StandbyWish extends SpawnOptions {
  readonly id: string
  readonly quorum: QuorumOptions | undefined
  readonly followers: number | readonly PeerId[] | undefined
}

/** Actors of mode `standby` on one peer: those it holds, those it follows, and the way to those of others. */
export class StandbySystem {
  /** The way to all of them. */
  readonly reach: Reach
  /** Stops actors, and gives them away, wherever they are held. */
  readonly atHolder: AtHolder
  readonly #options: StandbySystemOptions
  readonly #placements: PlacementGroups
  readonly #holders: Holders
  readonly #consent: Consent
  readonly #route: Route
  readonly #kernels: HeldKernels
  readonly #loop: Loop
  readonly #streams: StandbyStreams
  readonly #standby: Standby
  readonly #takeovers
  readonly #authorities = new Set<string>()
  #groups = 0

  constructor(options: StandbySystemOptions) {
    const { net, clock, random, log, registry, store, onFatal } = options
    this.#options = options
    this.#placements = new PlacementGroups(options)
    this.#holders = new Holders({ read: (authority) => this.#placements.look(authority), clock, log })
    this.#consent = new Consent({ self: net.self, log, consents: options.consents })
    const placements = {
      order: (authority: string, event: PlacementEvent) => this.#placements.order(authority, event),
      look: async (authority: string) => this.#consent.of(authority, await this.#holders.read(authority))
    }
    this.#loop = new Loop({ self: net.self, clock, forward: (message) => void options.remote.send(message) })
    this.#route = new Route({ holders: this.#holders, clock, dispatch: (message, via) => this.#dispatch(message, via) })
    this.#kernels = new HeldKernels({ clock, random, log, onFatal, remote: (authority) => this.#remoteOf(authority) })
    this.reach = new Reach({
      ...{ holders: this.#holders, route: this.#route, clock, peers: options.delivery },
      find: (target) => this.find(target),
      readHere: (target, read) => this.readHere(target, read)
    })
    this.atHolder = new AtHolder({
      ...{ clock, holders: this.#holders, peers: options.delivery, admins: options.admins },
      held: () => this.held(),
      carryOut: (address, wanted) => this.#carryOut(address, wanted)
    })
    this.#streams = new StandbyStreams(net, log, {
      receive: (from, frame) => {
        if (frame.type === 'ship') void this.#findGroups()
        this.#standby.receive(from, frame)
      },
      linked: (peer) => this.#standby.linked(peer)
    })
    this.#takeovers = counter(registry, 'brume_runtime_takeovers_total', 'Actors that this peer held after another')
    const help = 'Followers in step with what this peer holds, of the actor that has the fewest'
    gauge(registry, 'brume_runtime_standby_in_sync', help, [], (made) => made.set(fewest(this.held())))
    this.#standby = createStandby({
      ...{ self: net.self, clock, log, store, placements, onFatal, uptimeMs: options.uptimeMs },
      host: {
        send: (to, frame) => this.#streams.send(to, frame),
        lead: (held) => this.#lead(held),
        ceased: (address) => this.#kernels.ceased(address)
      }
    })
  }

  async start(): Promise<void> {
    this.#groups = this.#options.groups()
    const authorities = await this.#options.authorities()
    for (const authority of authorities) this.#authorities.add(authority)
    await this.#standby.start(authorities)
  }

  async stop(): Promise<void> {
    this.reach.stop()
    this.#route.stop()
    // Its last words are still under way: streams end with the network.
    await this.#standby.stop()
  }

  register(kind: Kind): void {
    this.#kernels.register(kind)
  }

  held(): readonly HeldView[] {
    return this.#standby.held()
  }

  /** The kernel of an actor that is held here, or of one whose machine started it. */
  find(target: string): Kernel | undefined {
    return this.#kernels.find(target)
  }

  /** What is held here, with its children, and what is followed. */
  views(): readonly ActorView[] {
    const { self } = this.#options.net
    const held = this.held().flatMap(({ address, placement }) =>
      (this.find(address)?.actors() ?? []).map((cell) => viewOf(cell, placement))
    )
    const followed = this.#holders
      .copiesAt(self)
      .filter(({ root, placement }) => placement.holder !== self && this.#consent.isGiven(root, placement))
    return [...held, ...followed.map(({ root, placement }) => followerOf(root, placement))]
  }

  /**
   * `final`: nobody else can have held it when this was read.
   *
   * @throws RuntimeError NOACTOR; OVERLOAD where another peer may hold it by now
   */
  async readHere(target: string, read: 'local' | 'final' = 'local'): Promise<Snapshot> {
    const kernel = this.find(target)
    if (kernel === undefined) throw refusal('noactor', `${target} is not held here`)
    const snapshot = await kernel.snapshot(target, read)
    const root = this.#kernels.rootOf(target)
    if (read === 'local' || (root !== undefined && this.#standby.mayRead(root))) return snapshot
    throw refusal('overload', `${target}: too few copies were heard lately for a final read`)
  }

  /** For delivery. */
  holderOf(address: string): PeerId | undefined {
    return this.#holders.find(address)?.placement.holder
  }

  /** For what replicated actors send. @throws RuntimeError REJECTED, UNREACHABLE */
  holderNow(address: string, isAgain: boolean): Promise<PeerId> {
    return this.#holders.holderOf(address, isAgain)
  }

  /** For delivery: its copies are trusted, and the one that holds it now is told by what is in step with it. */
  speaksFor(peer: PeerId, address: string): boolean | undefined {
    return this.#holders.mayBe(peer, address)
  }

  /** @returns the address. @throws RuntimeError PATH_TAKEN, REJECTED, UNREACHABLE; PeerError USAGE */
  async spawn(kind: string, { id, quorum, followers, ...options }: StandbyWish): Promise<string> {
    if (quorum === undefined) throw new PeerError('BRUME_PEER_USAGE', NEEDS_QUORUM)
    const { clock, net } = this.#options
    const copies = this.#copiesOf(quorum, followers)
    const group = await this.#options.found(groupName(quorum.members), { admit: 'members', ...quorum })
    const address = `${group}/${id}`
    const { authority, path } = parseAddress(address)
    const placement = (await this.#placements.look(authority)).get(path)
    if (placement !== undefined && placement.kind !== kind) throw taken(address, placement)
    const kernel =
      placement === undefined
        ? await this.#standby.place(address, kind, copies, Math.min(1, copies.length - 1))
        : await startedKernel(address, {
            ...{ self: net.self, clock, kernel: (at) => this.#standby.kernel(at) },
            holderOf: async () => (await this.#placements.look(authority)).get(path)?.holder
          })
    // Perhaps this peer ended before it had begun.
    kernel?.spawn(path, kind, options)
    return address
  }

  /** Of one that is held here: stopped for good, and its copies go, or given to a follower in step, and followed. */
  async #carryOut(address: string, wanted: Wanted): Promise<void> {
    if (wanted.do === 'move') {
      if (wanted.peer !== this.#options.net.self) await this.#standby.hand(address, wanted.peer)
      return
    }
    if (wanted.do === 'resurrect') return void (await this.find(address)?.resurrect(address))
    await this.find(address)?.stopActor(address)
    if (this.held().some((one) => one.address === address)) await this.#standby.remove(address)
  }

  /** The holder, and who follows it. @throws PeerError USAGE */
  #copiesOf({ members }: QuorumOptions, followers: StandbyWish['followers'] = FOLLOWERS): readonly PeerId[] {
    const { self } = this.#options.net
    const others = members.filter((peer) => peer !== self)
    const chosen = typeof followers === 'number' ? others.slice(0, followers) : followers
    const isFit = members.includes(self) && chosen.every((peer) => others.includes(peer))
    if (isFit && (typeof followers !== 'number' || chosen.length === followers)) return [self, ...chosen]
    throw new PeerError('BRUME_PEER_USAGE', NEEDS_COPIES)
  }

  /** Somebody has an actor for this peer: perhaps of a group that it was not in before. */
  async #findGroups(): Promise<void> {
    const count = this.#options.groups()
    if (count === this.#groups) return
    this.#groups = count
    for (const authority of await this.#options.authorities()) this.#joined(authority)
  }

  #joined(authority: string): void {
    if (this.#authorities.has(authority)) return
    this.#authorities.add(authority)
    this.#standby.joined(authority)
  }

  async #lead(held: Held): Promise<Kernel> {
    this.#streams.connect(held.placement.copies)
    const kernel = await this.#kernels.lead(held)
    if (held.placement.epoch > 1) this.#takeovers.inc()
    const { log } = this.#options
    log.info({ actor: held.address, epoch: held.placement.epoch }, 'this peer holds an actor now')
    return kernel
  }

  #dispatch(message: Outbound, via: Via): 'accepted' | 'full' {
    const { net, delivery } = this.#options
    if (via.peer !== net.self) return delivery.send(message, via)
    this.#loop.send(message, () => this.find(message.to))
    return 'accepted'
  }

  #remoteOf(authority: string): Remote {
    const { net, main, remote } = this.#options
    return waysOf(authority, { self: net.self, main, remote, loop: this.#loop })
  }
}

const viewOf = (cell: CellView, { inSync }: Placement): ActorView => ({
  ...{ ...cell, mode: 'standby', role: 'holder', inSync: inSync.length }
})

function followerOf(root: string, { kind, inSync }: Placement): ActorView {
  const { path } = parseAddress(root)
  const nothing = { version: 0, incarnation: 0, seq: 0, waiting: 0, overflowed: 0, restarts: 0 }
  const mode = { mode: 'standby', role: 'follower', inSync: inSync.length } as const
  return { path, kind, ...nothing, status: 'passive', durability: 'snapshot', ...mode }
}

const fewest = (held: readonly HeldView[]): number =>
  held.length === 0 ? 0 : Math.min(...held.map(({ placement }) => placement.inSync.length))

const NEEDS_QUORUM =
  'mode standby needs quorum: { members }, the peers that decide who holds it: this one, its followers, and with four in all one may fail'
const NEEDS_COPIES =
  'this peer and all followers of an actor must be among quorum.members, and followers at most as many'

function taken(address: string, { kind, holder }: Placement): RuntimeError {
  return new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${address} is a ${kind}, held by ${holder}; choose another id`)
}
