import { toHex } from '@brume/codec'
import type { Identity } from '@brume/crypto'
import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Journal, Log, Net, PeerId, Store } from '@brume/ports'
import { decodeSyncRequest, encodeSyncAnswer, groupIdOf, SYNC_PROTOCOL } from '@brume/protocols/quorum'
import type { Kernel } from '@brume/runtime'
import { QuorumError } from './errors.ts'
import { Group } from './group.ts'
import type { Host } from './host.ts'
import { quorumMeters } from './meters.ts'
import type { Program } from './ports.ts'
import { Reception } from './votes/receive.ts'
import { SharedJournal } from './votes/release.ts'

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

export interface QuorumOptions {
  readonly identity: Identity
  readonly net: Net
  readonly store: Store
  /** Null only where a restart need not be survived: the floor of a benchmark. */
  readonly journal: Journal | null
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly kernel: Kernel
  /** Has the network keep these peers connected until cancelled. */
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
}

/** All quorum groups of one peer. */
export interface Quorum {
  /** @throws ManifestError, CommitteeError for a manifest that is none; QuorumError OPEN where the group is open already */
  open(manifest: Uint8Array, program: Program): Group
  groups(): readonly Group[]
  stop(): Promise<void>
}

/** Registers the quorum protocols with the network: before it starts, so that nothing that arrives is lost. */
export function createQuorum(options: QuorumOptions): Quorum {
  const { net, journal, registry } = options
  const meters = quorumMeters(registry)
  const reception = new Reception(net, (cause) => meters.faults.inc({ cause }))
  const shared = journal === null ? null : new SharedJournal(journal)
  const hostOf = (group: string): Host => ({
    ...options,
    journal: shared?.of(group) ?? null,
    meters,
    reception
  })
  const groups = new Map<string, Group>()
  const unserve = net.serve(SYNC_PROTOCOL, async (_, body) => {
    const request = decodeSyncRequest(body)
    const group = groups.get(toHex(request.groupId))
    if (group === undefined || request.type !== 'blocks') return encodeSyncAnswer([], null)
    const { blocks, finalization } = await group.ledger.chapter(request.from)
    return encodeSyncAnswer(blocks, finalization)
  })
  return {
    open: (manifest, program) => {
      const id = toHex(groupIdOf(manifest))
      if (groups.has(id)) throw new QuorumError('BRUME_QUORUM_OPEN', 'this group is open already')
      const group = new Group(manifest, program, hostOf(id))
      groups.set(group.id, group)
      return group
    },
    groups: () => [...groups.values()],
    stop: async () => {
      unserve()
      await Promise.all([...groups.values()].map((group) => group.stop()))
      reception.channel.close()
    }
  }
}
