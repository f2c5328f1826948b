import { createMembership, detectHost, type MemberView, sampleHostState } from '@brume/actors/membership'
import { createQuorum, type Group } from '@brume/actors/quorum'
import { DEFAULT_NETWORK, networkId } from '@brume/crypto'
import { createNet } from '@brume/net'
import { createRegistry, type Registry } from '@brume/observe'
import type { Cancel, PeerId } from '@brume/ports'
import { createKernel } from '@brume/runtime'
import { openStore } from '@brume/store'
import { type Config, layer, readConfigFile, readOverrides } from './config/index.ts'
import { answer, controlPart } from './control/index.ts'
import { defaultDirectory, layoutOf, openDataDir } from './data/index.ts'
import { journalError, partError } from './errors.ts'
import { createNotices, type PeerNotice } from './events.ts'
import { Hosted } from './hosted.ts'
import { openJournals } from './journals.ts'
import { createLife } from './life.ts'
import type { PeerFailure } from './machine.ts'
import { machinePorts, membershipSettings, netSettings, type PeerOptions, type PeerPorts } from './options.ts'
import { createParts, type Parts, STOP_MS } from './parts.ts'
import { type PeerStatus, reportPeer } from './report.ts'
import { groupWatch, memberWatch } from './watch.ts'

/** One running brume node. */
export interface Peer {
  readonly id: PeerId
  readonly config: Config
  readonly registry: Registry
  /** Resolves when every part runs; rejects with what kept one from it, after all were stopped again. */
  start(): Promise<void>
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

/**
 * Takes possession of a data directory and puts a peer together on it, not yet started. Rejects with
 * `PeerError`, `StoreError`, `JournalError` or `NetError`; nothing stays open then.
 */
export async function createPeer(options: PeerOptions = {}): Promise<Peer> {
  const directory = options.dataDir ?? defaultDirectory()
  const config = layer(await readConfigFile(layoutOf(directory).config), readOverrides(options.settings ?? {}))
  const ports = { ...machinePorts(config), ...options.ports }
  const parts = createParts(ports.clock, ports.log)
  try {
    return await compose({ directory, config, ports, parts, options })
  } catch (error) {
    await parts.stop()
    throw error
  }
}

interface Plan {
  readonly directory: string
  readonly config: Config
  readonly ports: PeerPorts
  readonly parts: Parts
  readonly options: PeerOptions
}

/** The whole peer, in the order in which its parts need each other. */
async function compose({ directory, config, ports, parts, options }: Plan): Promise<Peer> {
  const { clock, random, log, disk, wrapNet } = ports
  const registry = createRegistry()
  const world = { clock, random, log, registry }
  const notices = createNotices(log)
  const life = createLife(parts, notices.tell)
  const kernel = createKernel({ ...world, onEscalated: (failure) => life.fail(partError(failure)) })

  const data = await openDataDir({
    directory,
    keepIdentity: options.keepIdentity ?? false,
    random,
    clock,
    log,
    openStore
  })
  const { layout, store } = data
  const { identity } = data.record
  parts.add({ name: 'store', stop: () => store.close(), stopMs: STOP_MS.store })

  const onFailed = (error: Error): void => life.fail(journalError(error))
  const journals = await openJournals({ data, disk, clock, onFailed })
  parts.add({ name: 'journals', stop: journals.close, stopMs: STOP_MS.journals })

  parts.add(
    controlPart(layout, { answer: (request, args) => answer(request, args, peer), events: notices.listen }, ports)
  )

  parts.add({ name: 'kernel', stop: () => kernel.stop(), stopMs: STOP_MS.kernel })

  const self = { identity, networkId: networkId({ ...DEFAULT_NETWORK, name: config.network }) }
  const net = wrapNet(
    await createNet({ ...world, ...netSettings(config), ...self, seed: identity.seed, store: store.sub('net/') })
  )
  parts.add({ name: 'net', start: () => net.start(), stop: () => net.stop(), stopMs: STOP_MS.net })

  const host = await detectHost({ storagePath: layout.directory })
  const settings = membershipSettings(config, data.record.bornEpoch)
  const membership = createMembership({
    ...world,
    ...self,
    net,
    store,
    journal: journals.membership,
    kernel,
    host,
    settings,
    sampleState: sampleHostState
  })
  parts.add({ name: 'membership', start: membership.start, stop: membership.stop, stopMs: STOP_MS.membership })
  const watchMembers = memberWatch(membership.members, notices.tell)
  membership.onChange(watchMembers)
  membership.onFailed(life.fail)
  net.onLink(watchMembers)

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
    ...{ folder: layout.groups, programs: options.programs ?? {} },
    ...{ quorum, identity, store, clock, random, log },
    opened: (group) => void group.onEvent(groupWatch(group, notices.tell))
  })
  await hosted.load()
  parts.add({ name: 'quorum', start: () => hosted.start(), stop: quorum.stop, stopMs: STOP_MS.quorum })

  const startedMs = clock.now()
  const peer: Peer = {
    id: identity.peerId,
    config,
    registry,
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
