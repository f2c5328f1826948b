import type { MemberView } from '@brume/actors/membership'
import type { Quorum } from '@brume/actors/quorum'
import { Arrivals } from '@brume/actors/replica'
import type { Identity } from '@brume/crypto'
import type { Registry } from '@brume/observe'
import type { Clock, Log, Net, PeerId, Random, Store } from '@brume/ports'
import { ATTEST_DOMAIN } from '@brume/protocols/actors/proof'
import { parseAddress, withoutIncarnation } from '@brume/runtime/address'
import { createDelivery, type Delivery } from '@brume/runtime/delivery'
import { createKernel, type DeadLetter, type Kernel, type Outbound } from '@brume/runtime/kernel'
import { PeerError } from '../errors.ts'
import type { Hosted } from '../hosted.ts'
import { type Inspector, openInspector } from '../inspect/inspector.ts'
import type { Executors } from './executors.ts'
import { readFrozen } from './group/certified.ts'
import { Directory } from './group/directory.ts'
import { Founder } from './group/founder.ts'
import { Hosting, type Replicable } from './group/hosting.ts'
import { Outward } from './group/outward.ts'
import { GroupRef } from './group/ref.ts'
import { GroupSends } from './group/sends.ts'
import { Upgrades } from './group/upgrade.ts'
import { Logics } from './logics.ts'
import { PlacedRef } from './placed-ref.ts'
import { remoteOf, wayOf } from './remote.ts'
import { arrivalsDoor, doorsOf } from './standby/doors.ts'
import { placementGroups, placementLogic } from './standby/logic.ts'
import { StandbySystem } from './standby/system.ts'
import type {
  ActorView,
  Logic,
  Machine,
  PlacedOptions,
  QuorumOptions,
  Ref,
  RegisterOptions,
  SpawnOptions,
  UpgradeOptions
} from './types.ts'

export interface ActorsOptions {
  readonly identity: Identity
  readonly net: Net
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly registry: Registry
  readonly store: Store
  readonly quorum: Pick<Quorum, 'client'>
  readonly hosted: Hosted
  readonly members: () => readonly MemberView[]
  /** Peers that may start, stop and move actors here. */
  readonly admins: readonly PeerId[]
  /** Milliseconds of a clock that also counts the time in which the machine sleeps. */
  readonly uptimeMs: () => number
  readonly executor: Executors['create']
  /** A write failed: the peer must end. */
  readonly onFatal: (error: Error) => void
}

/** What applications do with actors on a peer. */
export interface Actors {
  /**
   * Makes a machine known to this peer; `name` and `version` name it in its store. By its URL where it is to be
   * replicated: a module whose default export is the machine.
   *
   * @throws RuntimeError LOGIC, SCHEMA; ReplicaError BUNDLE, NONDETERMINISTIC; PeerError USAGE
   */
  register<M extends Machine>(source: M | URL | string, options: RegisterOptions<M>): Promise<Logic<M>>
  /** Starts an actor, or gives the living one of the same id and logic. @throws RuntimeError, PeerError */
  spawn<M extends Machine>(logic: Logic<M>, options: SpawnOptions<M>): Promise<Ref<M>>
  /**
   * As `spawn`, on a peer that has the same logic registered and this peer among its admins.
   * @throws RuntimeError FORBIDDEN, KIND, PATH_TAKEN, UNREACHABLE
   */
  spawnOn<M extends Machine>(peer: PeerId, logic: Logic<M>, options: PlacedOptions<M>): Promise<Ref<M>>
  /**
   * Has a replicated actor go on as another machine, in a group of its own: its state is carried over by the module's
   * `migrate`. Refs to it, and sends, follow by themselves. For the actor's admins; tried again, it goes on where it was.
   *
   * @throws RuntimeError FORBIDDEN, and as `spawn`; PeerError USAGE; ReplicaError NONDETERMINISTIC where the state cannot
   * be migrated: nothing has happened then
   */
  upgrade<M extends Machine>(ref: Pick<Ref, 'address'>, logic: Logic<M>, options?: UpgradeOptions): Promise<Ref<M>>
  /** Any actor by its address, or one of this peer by its path. Asks nobody. @throws RuntimeError ADDRESS */
  ref<M extends Machine>(address: string): Ref<M>
  /** Events nobody took, from now on and the last 10,000. */
  deadLetters(): AsyncIterable<DeadLetter>
  actors(): readonly ActorView[]
  /**
   * Starts a failed actor again, from the state before it failed; any other is left as it is. Of another peer's, for that
   * peer's admins. @throws RuntimeError FORBIDDEN, NOACTOR, UNREACHABLE; PeerError USAGE of one in mode `bft`
   */
  resurrect(actor: string): Promise<void>
  /** Serves Stately's inspector on 127.0.0.1, at any port unless told. @throws PeerError USAGE */
  inspect(options?: { readonly port?: number }): Promise<Inspector>
}

/** All actors of one peer, placed and replicated ones. */
export class ActorSystem implements Actors {
  readonly kernel: Kernel
  readonly #options: ActorsOptions
  readonly #logics: Logics
  readonly #directory: Directory
  readonly #hosting: Hosting
  readonly #founder: Founder
  readonly #delivery: Delivery
  readonly #outward: Outward
  readonly #upgrades: Upgrades
  readonly #sends: GroupSends
  readonly #standby: StandbySystem
  readonly #placement: Replicable
  readonly #inspectors: Inspector[] = []

  constructor(options: ActorsOptions) {
    const { identity, net, clock, random, log, quorum, hosted, members, onFatal } = options
    const store = options.store.sub('actors/')
    this.#options = options
    this.#delivery = createDelivery({
      ...{ net, clock, random, log, registry: options.registry, admins: options.admins },
      holds: (address) => this.#standby.find(address) !== undefined,
      holderOf: (address) => this.#standby.holderOf(address),
      speaksFor: (peer, address) => this.#standby.speaksFor(peer, address)
    })
    const outward = { send: (message: Outbound) => this.#outward.send(message) }
    const groupRef = (address: string) => this.#groupRef(withoutIncarnation(address))
    const remote = remoteOf(this.#delivery, outward, groupRef, () => this.#standby.reach)
    this.kernel = createKernel({
      ...{ clock, random, log, self: identity.peerId, store, remote, onFatal, admins: options.admins }
    })
    this.#logics = new Logics(this.kernel, clock)
    this.#placement = placementLogic((peer) => [...this.#logics.all()].some(({ consents }) => consents(peer)))
    const replicables = () => [...this.#logics.all(), this.#placement]
    const directory = () => this.#directory
    const doors = arrivalsDoor(this.kernel, (target) => this.#standby.find(target))
    const arrivals = new Arrivals({ clock, log, kernel: doors, store: store.sub('passed/') })
    const holderOf = (address: string, isAgain: boolean) => this.#standby.holderNow(address, isAgain)
    this.#sends = new GroupSends({ net, clock, directory, arrivals, holderOf })
    const client = (manifest: Uint8Array) => quorum.client(manifest, { domain: ATTEST_DOMAIN })
    this.#hosting = new Hosting({
      ...{ net, hosted, log, replicables, client, clock, sends: this.#sends, executor: options.executor },
      registry: options.registry,
      stateOf: async (groupId) => (await readFrozen(await this.#directory.find(groupId), clock)).proof,
      store: store.sub('inputs/')
    })
    const manifestOf = (groupId: Uint8Array) => this.#hosting.manifestOf(groupId)
    this.#directory = new Directory({
      ...{ quorum, net, identity, clock, log, hosted: manifestOf },
      store: store.sub('sessions/')
    })
    this.#outward = new Outward(this.#directory, clock, store.sub('signed/'))
    const founding = {
      ...{ net, members, clock, random, directory: this.#directory },
      host: (manifest: Uint8Array, input: Uint8Array | null) => this.#hosting.take(net.self, manifest, input)
    }
    this.#founder = new Founder({ ...founding, store: store.sub('founded/') })
    this.#upgrades = new Upgrades({ ...founding, executor: options.executor, store: store.sub('upgraded/') })
    this.#standby = new StandbySystem({
      ...{ net, clock, random, log, registry: options.registry, onFatal, groupRef, store: store.sub('standby/') },
      admins: options.admins,
      ...{ directory: this.#directory, delivery: this.#delivery, main: this.kernel, remote },
      consents: (kind, peer) => this.#logics.consents(kind, peer),
      found: (id, quorum) => this.#foundPlacement(id, quorum),
      authorities: () => placementGroups(hosted, this.#placement),
      groups: () => hosted.groups.length,
      uptimeMs: options.uptimeMs
    })
  }

  async start(): Promise<void> {
    await this.kernel.start()
    this.#delivery.start(doorsOf(this.kernel, this.#standby))
    await this.#hosting.resume(this.#placement)
    await this.#standby.start()
  }

  async stop(): Promise<void> {
    await this.#standby.stop()
    this.#hosting.close()
    this.#sends.stop()
    this.#directory.close()
    await Promise.all(this.#inspectors.map((inspector) => inspector.close()))
    await this.kernel.stop()
    this.#delivery.stop()
  }

  async register<M extends Machine>(source: M | URL | string, options: RegisterOptions<M>): Promise<Logic<M>> {
    const { logic, registered } = await this.#logics.register<M>(source, options)
    this.#standby.register(registered.kind)
    await this.#hosting.resume(registered)
    return logic
  }

  async spawn<M extends Machine>(logic: Logic<M>, options: SpawnOptions<M>): Promise<Ref<M>> {
    const { id, mode = 'solo', quorum, followers, ...rest } = options
    if (mode === 'solo') {
      const { version } = logic
      return this.ref<M>(withoutIncarnation(this.kernel.spawn(id, logic.name, { ...rest, version }).address))
    }
    if (mode === 'standby') {
      return this.ref<M>(await this.#standby.spawn(logic.name, { ...rest, id, quorum, followers }))
    }
    const ref = this.#groupRef(await this.#founder.found(this.#logics.find(logic), { id, quorum, input: rest.input }))
    await ref.begin()
    return ref as unknown as Ref<M>
  }

  async spawnOn<M extends Machine>(peer: PeerId, logic: Logic<M>, options: PlacedOptions<M>): Promise<Ref<M>> {
    const { id, ...rest } = options
    const { name, version } = logic
    return this.ref<M>((await this.kernel.spawnOn(peer, id, name, { ...rest, version })).address)
  }

  async upgrade<M extends Machine>(
    ref: Pick<Ref, 'address'>,
    logic: Logic<M>,
    { from = logic.version - 1, quorum = {} }: UpgradeOptions = {}
  ): Promise<Ref<M>> {
    const address = withoutIncarnation(ref.address)
    if (parseAddress(address).group === null) {
      throw new PeerError('BRUME_PEER_USAGE', `${address} is not replicated: register a newer version where it lives`)
    }
    return this.ref<M>(await this.#upgrades.upgrade(address, this.#logics.find(logic), { version: from, quorum }))
  }

  ref<M extends Machine>(address: string): Ref<M> {
    const whole = this.#addressOf(address)
    const { peer, path } = parseAddress(whole)
    if (wayOf(whole) === 'group') return this.#groupRef(withoutIncarnation(whole)) as unknown as Ref<M>
    const isHere = peer === this.#options.identity.peerId
    const { clock } = this.#options
    const isPlaced = wayOf(whole) === 'placed'
    const { atHolder } = this.#standby
    const stop = () => atHolder.want(whole, { do: 'stop' })
    const hand = (to: PeerId) => atHolder.want(whole, { do: 'move', peer: to })
    const placed = new PlacedRef(whole, path, isHere, {
      ...{ kernel: this.kernel, delivery: isPlaced ? this.#standby.reach : this.#delivery, clock },
      refTo: (moved) => this.ref(moved),
      placed: isPlaced ? { stop, hand } : undefined
    })
    return placed as unknown as Ref<M>
  }

  deadLetters(): AsyncIterable<DeadLetter> {
    return this.kernel.deadLetters()
  }

  actors(): readonly ActorView[] {
    const solo = this.kernel.actors().map((cell) => ({ ...cell, mode: 'solo' as const }))
    return [...solo, ...this.#standby.views()]
  }

  async resurrect(actor: string): Promise<void> {
    const address = this.#addressOf(actor)
    const way = wayOf(address)
    if (way === 'group') throw new PeerError('BRUME_PEER_USAGE', `${address} is replicated: such an actor never fails`)
    await (way === 'placed'
      ? this.#standby.atHolder.want(address, { do: 'resurrect' })
      : this.kernel.resurrect(address))
  }

  async inspect({ port = 0 }: { readonly port?: number } = {}): Promise<Inspector> {
    const { clock } = this.#options
    const definitionOf = (kind: string) => this.#logics.definitionOf(kind)
    const inspector = await openInspector(port, { kernel: this.kernel, clock, definitionOf })
    this.#inspectors.push(inspector)
    return inspector
  }

  async #foundPlacement(id: string, quorum: QuorumOptions): Promise<string> {
    const address = await this.#founder.found(this.#placement, { id, quorum, input: null })
    await this.#groupRef(address).begin()
    return address
  }

  /** Of this peer unless it says otherwise. */
  #addressOf(name: string): string {
    return name.startsWith('brume://') ? name : `brume://${this.#options.identity.peerId}/${name}`
  }

  #groupRef(address: string): GroupRef {
    const group = () => this.#directory.current(address)
    return new GroupRef({ address, clock: this.#options.clock, group })
  }
}
