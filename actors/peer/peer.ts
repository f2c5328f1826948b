import { createMembership, type MemberView } from '@brume/actors/membership'
import { createQuorum, type Group } from '@brume/actors/quorum'
import { DEFAULT_NETWORK, networkId } from '@brume/crypto'
import { createRegistry, type Registry } from '@brume/observe'
import type { Cancel, PeerId } from '@brume/ports'
import { createSystem } from '@brume/runtime'
import { ActorSystem, type Actors } from './actors/actors.ts'
import { Executors } from './actors/executors.ts'
import { isActorManifest } from './actors/group/hosting.ts'
import { type LoadedModule, loadModules, runModules } from './actors/modules.ts'
import { type Config, layer, readConfigFile } from './config/index.ts'
import { answer, type ControlService, controlPart, tailActor } from './control/index.ts'
import { defaultDirectory, layoutOf } from './data/index.ts'
import { createDialling, type DialOptions } from './dial.ts'
import { actorsError, journalError, partError } from './errors.ts'
import { createNotices, type PeerNotice } from './events.ts'
import { openHome } from './home/home.ts'
import { Hosted } from './hosted.ts'
import { createLife } from './life.ts'
import type { PeerFailure } from './machine.ts'
import {
  machinePorts,
  membershipSettings,
  netSettings,
  type PeerOptions,
  type PeerPorts,
  settingsOf
} from './options.ts'
import { createParts, type Parts, STOP_MS } from './parts.ts'
import { type PeerStatus, reportPeer } from './report.ts'
import { groupWatch, memberWatch } from './watch.ts'

/** One running brume node. */
export interface Peer extends Actors {
  readonly id: PeerId
  readonly config: Config
  readonly registry: Registry
  /** Multiaddrs at which others reach this peer, each with `/p2p/<id>`. */
  readonly addresses: readonly string[]
  /** Connects to the peers of these multiaddrs and keeps them connected. @throws PeerError USAGE, UNREACHABLE */
  dial(addresses: readonly string[], options?: DialOptions): Promise<void>
  /** Stops within 3 s, whatever hangs. Never rejects; may be called at any time and again. */
  stop(): Promise<void>
  /** Resolves at the peer's end: with the failure that brought it about, or undefined after `stop`. */
  readonly ended: Promise<PeerFailure | undefined>
  status(): PeerStatus
  members(): readonly MemberView[]
  groups(): readonly Group[]
  /** The groups, and what this peer's user does with them. */
  readonly hosted: Hosted
  onNotice(listener: (notice: PeerNotice) => void): Cancel
}

/** A peer put together and not yet started: what should hear of its start can be said before. */
export interface PreparedPeer extends Peer {
  /** Resolves when every part runs; rejects with what kept one from it, after all were stopped again. */
  start(): Promise<void>
}

/** A running peer. Rejects with what kept it from running; nothing stays open then. */
export async function createPeer(options: PeerOptions = {}): Promise<Peer> {
  const peer = await preparePeer(options)
  await peer.start()
  return peer
}

/**
 * Takes possession of a data directory and puts a peer together on it. Rejects with `PeerError`, `StoreError`,
 * `JournalError` or `NetError`; nothing stays open then.
 */
export async function preparePeer(options: PeerOptions = {}): Promise<PreparedPeer> {
  const directory = options.store === 'memory' ? null : (options.dataDir ?? defaultDirectory())
  const file = directory === null ? {} : await readConfigFile(layoutOf(directory).config)
  const config = layer(file, settingsOf(options))
  const ports = { ...machinePorts(config), ...options.ports }
  const modules = await loadModules(config.actors, ports.clock)
  const parts = createParts(ports.clock, ports.log)
  try {
    return await compose({ directory, config, modules, ports, parts, options })
  } catch (error) {
    await parts.stop()
    throw error
  }
}

interface Plan {
  /** Null: in memory. */
  readonly directory: string | null
  readonly config: Config
  readonly modules: readonly LoadedModule[]
  readonly ports: PeerPorts
  readonly parts: Parts
  readonly options: PeerOptions
}

/** The whole peer, in the order in which its parts need each other. */
async function compose({ directory, config, modules, ports, parts, options }: Plan): Promise<PreparedPeer> {
  const { clock, random, log, disk, machine, wrapNet, wrapStore } = ports
  const registry = createRegistry()
  const world = { clock, random, log, registry }
  const notices = createNotices(log)
  const life = createLife(parts, notices.tell)

  const home = await openHome({
    ...{ directory, keepIdentity: options.keepIdentity ?? false, disk, parts, clock, random, log },
    onFailed: (error) => life.fail(journalError(error))
  })
  const { identity, journals, layout } = home
  const store = wrapStore(home.store)
  const onEscalated = (failure: Parameters<typeof partError>[0]) => life.fail(partError(failure))
  const kernel = createSystem({ ...world, self: identity.peerId, onEscalated })

  if (layout !== null) {
    const service: ControlService = {
      answer: (request, args) => answer(request, args, peer),
      stream: (request, args, listener) =>
        request === 'events' ? notices.listen(listener) : tailActor(peer, args, listener)
    }
    parts.add(controlPart(layout, service, ports))
  }

  parts.add({ name: 'kernel', stop: () => kernel.stop(), stopMs: STOP_MS.kernel })

  const self = { identity, networkId: networkId({ ...DEFAULT_NETWORK, name: config.network }) }
  const node = await ports.makeNet({
    ...{ ...world, ...netSettings(config), ...self },
    seed: identity.seed,
    store: store.sub('net/')
  })
  const dialling = createDialling(node, clock)
  const net = wrapNet(dialling.net)
  parts.add({ name: 'net', start: () => net.start(), stop: () => net.stop(), stopMs: STOP_MS.net })

  const host = await machine.detect(home.storagePath)
  const settings = membershipSettings(config, home.bornEpoch)
  const membership = createMembership({
    ...world,
    ...self,
    net,
    store,
    journal: journals.membership,
    kernel,
    host,
    settings,
    sampleState: machine.sample,
    ...(machine.clockQuality && { clockQuality: machine.clockQuality })
  })
  parts.add({ name: 'membership', start: membership.start, stop: membership.stop, stopMs: STOP_MS.membership })
  const watchMembers = memberWatch(membership.members, notices.tell)
  membership.onChange(watchMembers)
  membership.onFailed(life.fail)
  net.onLink(watchMembers)

  const executors = new Executors(ports.executor)
  parts.add({ name: 'executors', stop: () => executors.stop(), stopMs: STOP_MS.executors })

  const quorum = createQuorum({
    ...world,
    identity,
    net,
    store,
    journal: journals.quorum,
    kernel,
    keepConnected: membership.pin
  })
  const hosted = new Hosted({
    ...{ manifests: home.manifests, programs: options.programs ?? {} },
    ...{ quorum, identity, store, clock, random, log },
    isLater: isActorManifest,
    opened: (group) => void group.onEvent(groupWatch(group, notices.tell))
  })
  await hosted.load()
  parts.add({ name: 'quorum', start: () => hosted.start(), stop: quorum.stop, stopMs: STOP_MS.quorum })

  const actors = new ActorSystem({
    ...{ ...world, identity, net, store, quorum, hosted },
    members: membership.members,
    executor: executors.create,
    admins: config.admins,
    uptimeMs: machine.uptimeMs ?? (() => clock.now()),
    onFatal: (error) => life.fail(actorsError(error))
  })
  parts.add({ name: 'actors', start: () => actors.start(), stop: () => actors.stop(), stopMs: STOP_MS.actors })

  parts.add({ name: 'modules', start: () => runModules(modules, actors), stop: () => undefined, stopMs: 0 })

  const startedMs = clock.now()
  const peer: PreparedPeer = {
    id: identity.peerId,
    config,
    registry,
    get addresses() {
      return net.addresses().map((address) => withPeerId(address, identity.peerId))
    },
    dial: dialling.dial,
    register: (source, options) => actors.register(source, options),
    spawn: (logic, options) => actors.spawn(logic, options),
    spawnOn: (id, logic, options) => actors.spawnOn(id, logic, options),
    upgrade: (ref, logic, options) => actors.upgrade(ref, logic, options),
    ref: (address) => actors.ref(address),
    deadLetters: () => actors.deadLetters(),
    actors: () => actors.actors(),
    resurrect: (path) => actors.resurrect(path),
    inspect: (options) => actors.inspect(options),
    start: life.start,
    stop: life.stop,
    ended: life.ended,
    members: membership.members,
    groups: () => hosted.groups,
    hosted,
    status: () =>
      reportPeer({
        config,
        layout,
        life,
        net,
        membership,
        groups: hosted.groups,
        journals,
        ...self,
        uptimeMs: clock.now() - startedMs
      }),
    onNotice: notices.listen
  }
  return peer
}

const withPeerId = (address: string, peer: PeerId): string =>
  address.includes('/p2p/') ? address : `${address}/p2p/${peer}`
