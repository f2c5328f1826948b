import { toHex } from '@brume/codec'
import type { Identity } from '@brume/crypto'
import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Journal, Log, Net, PeerId, Store } from '@brume/ports'
import {
  COMMANDS_PROTOCOL,
  decodeCommandsRequest,
  decodeManifest,
  decodeSyncRequest,
  encodeCommandsAnswer,
  encodeSyncAnswer,
  groupIdOf,
  SYNC_PROTOCOL,
  trustManifest
} from '@brume/protocols/quorum'
import type { System } from '@brume/runtime'
import { ClientLine } from './clients/line.ts'
import { openLocal, openRemote } from './clients/open.ts'
import type { QuorumClient } from './clients/ports.ts'
import { QuorumError } from './errors.ts'
import type { VotesBy } from './gossip/voice.ts'
import { Group } from './group.ts'
import type { Host } from './host.ts'
import { quorumMeters } from './meters.ts'
import type { Program } from './ports.ts'
import type { SlotGroup } from './slots/group.ts'
import { SlotGroups } from './slots/groups.ts'
import { Reception } from './votes/receive.ts'
import { SharedJournal } from './votes/release.ts'

export type {
  Found,
  Order,
  Proven,
  QuorumClient,
  SubmitOptions,
  WatchedBlock
} from './clients/ports.ts'
export { QuorumError, type QuorumErrorCode } from './errors.ts'
export type { GroupEvent, GroupState, GroupStatus, MemberStatus, Ordered, Submission } from './events.ts'
export { type LeafOutcome, LeafProgram, type LeafProgramOptions } from './execution/leaf-program.ts'
export { LeafState, readLeaf } from './execution/leaf-state.ts'
export type { Group } from './group.ts'
export type {
  Block,
  Inspected,
  Leaf,
  Page,
  Program,
  ProgramEvent,
  Refusal,
  RefusalCode,
  Target
} from './ports.ts'
export type { SlotGroup } from './slots/group.ts'
export type { Outcome, Slot, SlotTerms } from './slots/slot.ts'

export interface QuorumOptions {
  readonly identity: Identity
  readonly net: Net
  readonly store: Store
  /** Null only where a restart need not be survived: the floor of a benchmark. */
  readonly journal: Journal | null
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly kernel: System
  /** Has the network keep these peers connected until cancelled. */
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
  /**
   * Has votes leave by gossip however members are connected, relayed by gossipsub or, `gossip-direct`, by nobody. For
   * measuring: left out, streams carry them, and gossip what streams do not reach.
   */
  readonly votesBy?: VotesBy
  /**
   * Takes the shortcuts out of the way of votes: each is checked as it comes until a quorum is there, and leaves in a
   * frame of its own. For measuring what they are worth.
   */
  readonly plain?: boolean
}

/** All quorum groups of one peer. */
export interface Quorum {
  /** @throws ManifestError, CommitteeError for a manifest that is none; QuorumError OPEN where the group is open already */
  open(manifest: Uint8Array, program: Program): Group
  /**
   * A group as its clients see it. Where this peer takes part in the group it asks itself, else the members, which
   * it keeps connected until closed.
   *
   * @param of - the domain of the program's statements: without it no attestation is believed
   * @throws ManifestError, CommitteeError
   */
  client(manifest: Uint8Array, of?: { readonly domain?: string }): QuorumClient
  /**
   * A group that decides single results instead of a log.
   *
   * @throws ManifestError, CommitteeError; QuorumError OPEN where it is open already, NO_GROUP for a log's manifest
   */
  slots(manifest: Uint8Array): SlotGroup
  groups(): readonly Group[]
  stop(): Promise<void>
}

/** Registers the quorum protocols with the network: before it starts, so that nothing that arrives is lost. */
export function createQuorum(options: QuorumOptions): Quorum {
  const { net, journal, registry } = options
  const meters = quorumMeters(registry)
  const reception = new Reception(net, (cause) => meters.faults.inc({ cause }))
  const line = new ClientLine(net, options.clock, (cause) => meters.faults.inc({ cause }))
  const shared = journal === null ? null : new SharedJournal(journal)
  const hostOf = (group: string): Host => ({
    ...options,
    journal: shared?.of(group) ?? null,
    meters,
    reception,
    line
  })
  const groups = new Map<string, Group>()
  const slots = new SlotGroups({
    ...options,
    journalOf: (group) => shared?.of(group) ?? null,
    count: (cause) => meters.faults.inc({ cause })
  })
  let clients = 0
  const unserve = net.serve(SYNC_PROTOCOL, async (_, body) => {
    const request = decodeSyncRequest(body)
    const group = groups.get(toHex(request.groupId))
    if (group === undefined) return encodeSyncAnswer([], null)
    return group.shelf.answer(request)
  })
  const unsupply = net.serve(COMMANDS_PROTOCOL, (_, body) => {
    const { groupId, ids } = decodeCommandsRequest(body)
    return encodeCommandsAnswer(groups.get(toHex(groupId))?.commands(ids) ?? [])
  })
  return {
    open: (manifest, program) => {
      const id = toHex(groupIdOf(manifest))
      if (groups.has(id)) throw new QuorumError('BRUME_QUORUM_OPEN', 'this group is open already')
      if (decodeManifest(manifest).kind !== 'log') {
        throw new QuorumError(
          'BRUME_QUORUM_NO_GROUP',
          'this manifest is that of slots, not of a log: open it by `slots`'
        )
      }
      const group = new Group(manifest, program, hostOf(id))
      groups.set(group.id, group)
      line.serve(group.groupId, group.serving.desk)
      return group
    },
    client: (manifest, { domain } = {}) => {
      const trusted = trustManifest(manifest, domain === undefined ? {} : { domain })
      const { groupId } = trusted.committee
      const group = groups.get(toHex(groupId))
      if (group !== undefined) return openLocal(options, group.serving.desk, trusted)
      clients += 1
      return openRemote(options, `quorum-client/${clients}`, line, trusted)
    },
    slots: (manifest) => slots.open(toHex(groupIdOf(manifest)), manifest),
    groups: () => [...groups.values()],
    stop: async () => {
      unserve()
      unsupply()
      slots.stop()
      await Promise.all([...groups.values()].map((group) => group.stop()))
      reception.channel.close()
      line.close()
    }
  }
}
