import { join } from 'node:path'
import { createQuorum, type Group, type Quorum, type QuorumOptions } from '@brume/actors/quorum'
import { leaderOf } from '@brume/consensus'
import type { Identity } from '@brume/crypto'
import { createNet, type NetNode } from '@brume/net'
import { createLog, createRegistry, type Registry } from '@brume/observe'
import type { Clock, Journal, Net, PeerId, Store } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { committeeOf } from '@brume/protocols/quorum'
import { createSystem, type System } from '@brume/runtime'
import { openJournal, openStore } from '@brume/store'
import { StateProgram } from '../checkpoint/state-program.ts'
import { sleepUntil, until } from '../harness/clock.ts'
import { BareExchange } from './bare.ts'
import { NullProgram } from './commands.ts'
import { distancesOf, distantNet } from './distances.ts'
import { LoopDelay } from './gauges.ts'
import { Lane } from './lane.ts'
import type { Contact, MemberConfig } from './messages.ts'
import { decisionMsOf } from './pace.ts'
import type { BareReport, BareSlice, Saved, Slice, SliceReport, Stand, Variant } from './plan.ts'
import { Recorder } from './recorder.ts'
import { type Roster, rosterOf } from './roster.ts'
import { SyncProbe } from './sync-probe.ts'
import { variantNet } from './variant-net.ts'

/** For four members; each further one adds its handshakes with all others. */
const MEET_DEADLINE_MS = 60_000
const MEET_MORE_MS = 5_000
/** New connections that a member waits for at a time. */
const MEET_AT_ONCE = 4
/** Of each member; those of one process look this much more seldom each, or they would do little else. */
const LOOK_MS = 10
/** After the last exchange of a slice: many times what one takes, three hops around the world. */
const BARE_DRAIN_MS = 200
const BARE_DRAIN_FAR_MS = 1_500
const DRAIN_DECISIONS = 2

/** One member of a benchmark: a network node, and on it the groups of all variants and the bare exchange. */
export interface Member {
  readonly contact: Contact
  /** Resolves when there are connections and open streams to all others. Where many live in one process, few do so at a time. */
  connect(contacts: readonly Contact[]): Promise<void>
  /** Resolves when every group votes. */
  meet(): Promise<void>
  run(slice: Slice): Promise<SliceReport>
  /** Where the group of a variant stands. */
  where(variant: string): Stand
  stop(): Promise<void>
}

interface Ground {
  readonly config: MemberConfig
  readonly roster: Roster
  readonly identity: Identity
  readonly clock: Clock
  readonly store: Store
  readonly net: NetNode
  /** The same, as far away as the others are to be. */
  readonly distant: Net
  readonly netRegistry: Registry
  readonly kernel: System
  readonly loopDelay: LoopDelay
  readonly probe: SyncProbe
}

export async function openMember(config: MemberConfig): Promise<Member> {
  const ground = await prepare(config)
  const { net, distant, roster, identity, store, probe, kernel } = ground
  const opened = await Promise.all(config.variants.map((variant) => openVariant(ground, variant)))
  const [anyVariant] = config.variants
  if (anyVariant === undefined) throw new RangeError('no variant')
  const { quorum } = committeeOf(roster.manifestOf(anyVariant))
  const bare = new BareExchange(distant, roster.identities, identity, quorum)
  await net.start()
  const lanes = new Map(opened.map((one) => [one.variant.name, laneOf(ground, one)]))
  return {
    contact: { peer: identity.peerId, addresses: net.addresses() },
    connect: async (contacts) => {
      await connect(ground, contacts)
      await openStreams(ground, opened, bare)
    },
    meet: () => {
      const isVoting = () => opened.every(({ group }) => group.status().state === 'voting')
      return until('all members met', meetDeadlineMs(config), isVoting, LOOK_MS * config.housemates)
    },
    run: (slice) => {
      if (slice.kind === 'bare') return runBare(ground, bare, slice)
      const lane = lanes.get(slice.variant)
      if (lane === undefined) throw new RangeError(`no variant ${slice.variant}`)
      if (slice.kind !== 'recovery') return lane.run(slice)
      return lane.recover(slice, roster.identities[slice.killed]?.peerId ?? '')
    },
    where: (variant) => standOf(ground, opened, variant),
    stop: async () => {
      await Promise.all(opened.map(({ system }) => system.stop()))
      bare.close()
      kernel.stop()
      await net.stop()
      await Promise.all(opened.map(({ journal }) => journal?.close()))
      await probe.close()
      await store.close()
    }
  }
}

async function prepare(config: MemberConfig): Promise<Ground> {
  const roster = rosterOf(config.nonce, config.members)
  const identity = roster.identities[config.index]
  if (identity === undefined) throw new RangeError(`no member ${config.index}`)
  const world = { clock: systemClock(), random: systemRandom(), log: createLog({ level: 'warn' }) }
  const store = await openStore(join(config.directory, 'store'))
  const netRegistry = createRegistry()
  const net = await createNet({
    ...world,
    seed: identity.seed,
    networkId: roster.networkId,
    profile: 'local',
    discovery: { mdns: false, bootstrap: [] },
    store: store.sub('net/'),
    registry: netRegistry
  })
  const distance = distancesOf(config.profile, config.members)
  const indexOf = new Map(roster.identities.map(({ peerId }, index) => [peerId, index]))
  const delayOf = (peer: PeerId) => distance(indexOf.get(peer) ?? config.index, config.index)
  const journal = await openJournal(journalPlace(config, identity, store, 'probe'))
  return {
    config,
    roster,
    identity,
    clock: world.clock,
    store,
    net,
    distant: config.profile === 'loopback' ? net : distantNet(net, delayOf),
    netRegistry,
    kernel: createSystem({ ...world, self: identity.peerId }),
    loopDelay: new LoopDelay(),
    probe: new SyncProbe(journal)
  }
}

function journalPlace(config: MemberConfig, identity: Identity, store: Store, name: string) {
  const directory = join(config.directory, `journal-${name}`)
  return { directory, owner: identity.publicKey, store: store.sub(`journal-${name}/`), expected: false }
}

interface OpenedVariant {
  readonly variant: Variant
  readonly system: Quorum
  readonly group: Group
  readonly recorder: Recorder
  readonly journal: Journal | null
  readonly registry: Registry
  /** Write and sync of the votes' journal; emptied by whoever reads it. */
  readonly voteSyncMs: number[]
  readonly saved: () => Saved
}

async function openVariant(ground: Ground, variant: Variant): Promise<OpenedVariant> {
  const { config, identity, store, distant, clock, kernel, roster } = ground
  const voteSyncMs: number[] = []
  const place = journalPlace(config, identity, store, variant.name)
  const journal = variant.journal
    ? await openJournal({ ...place, onSynced: ({ syncMs }) => voteSyncMs.push(syncMs) })
    : null
  const registry = createRegistry()
  const system = createQuorum({
    identity,
    net: variantNet(distant, variant),
    ...bindingOf(variant),
    store,
    journal,
    clock,
    log: createLog({ level: 'warn' }),
    registry,
    kernel,
    keepConnected: () => () => {}
  })
  const recorder = new Recorder()
  const state = variant.state && new StateProgram(variant.state, store.sub(`state-${variant.name}/`))
  const attested = variant.attests ? (digest: string) => recorder.attested(digest) : null
  const group = system.open(roster.manifestOf(variant), state ?? new NullProgram(attested))
  const saved = () => state?.savedSoFar ?? { checkpoints: 0, savingMs: 0 }
  return { variant, system, group, recorder, journal, registry, voteSyncMs, saved }
}

function bindingOf({ binding }: Variant): Pick<QuorumOptions, 'votesBy' | 'plain'> {
  if (binding === 'streams') return {}
  return binding === 'plain' ? { plain: true } : { votesBy: binding }
}

function standOf({ roster }: Ground, opened: readonly OpenedVariant[], name: string): Stand {
  const found = opened.find(({ variant }) => variant.name === name)
  if (found === undefined) throw new RangeError(`no variant ${name}`)
  const { members, view, deltaMs } = found.group.status()
  const leads = members[leaderOf(committeeOf(roster.manifestOf(found.variant)), view)]?.peer
  const leader = roster.identities.findIndex(({ peerId }) => peerId === leads)
  return { leader, deltaMs, saved: found.saved() }
}

function laneOf(ground: Ground, { variant, group, recorder, registry, voteSyncMs }: OpenedVariant): Lane {
  const { config, identity, netRegistry, loopDelay, probe } = ground
  return new Lane({
    variant,
    group,
    recorder,
    registry,
    netRegistry,
    identity,
    ...config,
    loopDelay,
    probe,
    voteSyncMs
  })
}

const meetDeadlineMs = ({ members }: MemberConfig) => MEET_DEADLINE_MS + members * MEET_MORE_MS

/**
 * Members are in the order of their keys, and of two the one with the lower key dials at once: those that follow are
 * asked for first, and the others by then have asked themselves.
 */
async function connect({ net, config }: Ground, contacts: readonly Contact[]): Promise<void> {
  const others = [...contacts.slice(config.index + 1), ...contacts.slice(0, config.index)]
  const linked = new Set(net.links().map(({ peer }) => peer))
  const forget = net.onLink(({ type, peer }) => {
    if (type === 'link.up') linked.add(peer)
    else if (type === 'link.down') linked.delete(peer)
  })
  for (let count = 0; count < others.length; ) {
    count = Math.min(others.length, count + MEET_AT_ONCE)
    const wanted = others.slice(0, count)
    net.want(wanted.map((contact) => ({ ...contact, priority: 'committee' })))
    await until('connected', meetDeadlineMs(config), () => wanted.every(({ peer }) => linked.has(peer)))
  }
  forget()
}

/** Groups begin only now: before, they would look for each other in their topics. */
async function openStreams({ config }: Ground, opened: readonly OpenedVariant[], bare: BareExchange): Promise<void> {
  await Promise.all(opened.map(({ group }) => group.start()))
  bare.connect()
  const isOpen = () =>
    bare.isConnected && opened.every(({ group }) => group.status().members.every(({ connected }) => connected))
  await until('streams open', meetDeadlineMs(config), isOpen)
}

async function runBare({ config, loopDelay }: Ground, bare: BareExchange, slice: BareSlice): Promise<BareReport> {
  const { startMs, durationMs, ratePerS } = slice
  const { index, members } = config
  const periodMs = 1_000 / ratePerS
  loopDelay.reset()
  for (let k = index; k * periodMs < durationMs; k += members) {
    await sleepUntil(startMs + k * periodMs)
    bare.lead(exchangeNumber(startMs, k))
    await sleepUntil(startMs + (k + 0.5) * periodMs)
    bare.sendLone()
  }
  await sleepUntil(startMs + durationMs + bareDrainMs(config))
  return { kind: 'bare', ...bare.take(), loopDelayMs: loopDelay.p99Ms() }
}

function bareDrainMs({ profile, members, housemates }: MemberConfig): number {
  const quietMs = profile === 'loopback' ? BARE_DRAIN_MS : BARE_DRAIN_FAR_MS
  return Math.max(quietMs, DRAIN_DECISIONS * decisionMsOf(members, Math.ceil(members / housemates)))
}

/** Unlike those of other slices; u32. */
function exchangeNumber(startMs: number, k: number): number {
  return ((Math.floor(startMs) % 4_000_000) * 1_000 + k) >>> 0
}
