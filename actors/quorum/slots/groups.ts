import type { Identity } from '@brume/crypto'
import type { Cancel, Clock, Journal, Log, Net, PeerId } from '@brume/ports'
import { decodeManifest } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import { SlotGroup } from './group.ts'
import { SlotLines } from './lines.ts'

export interface SlotGroupsOptions {
  readonly identity: Identity
  readonly net: Net
  readonly clock: Clock
  readonly log: Log
  /** The journal as one group sees it; null where there is none. */
  readonly journalOf: (group: string) => Journal | null
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
  readonly count: (cause: 'malformed' | 'stranger') => void
}

/** The slot groups of one peer. Their channel is opened with the first: most peers have none. */
export class SlotGroups {
  readonly #options: SlotGroupsOptions
  readonly #groups = new Map<string, SlotGroup>()
  #lines: SlotLines | null = null

  constructor(options: SlotGroupsOptions) {
    this.#options = options
  }

  open(id: string, manifest: Uint8Array): SlotGroup {
    const { net, journalOf, count } = this.#options
    if (this.#groups.has(id)) throw new QuorumError('BRUME_QUORUM_OPEN', 'this group is open already')
    if (decodeManifest(manifest).kind !== 'slot') {
      throw new QuorumError('BRUME_QUORUM_NO_GROUP', 'this manifest is that of a log, not of slots: use `open`')
    }
    const journal = journalOf(id)
    if (journal === null)
      throw new QuorumError('BRUME_QUORUM_STORE', 'slots need a journal: a restart would say another result')
    this.#lines ??= new SlotLines(net, count)
    const group = new SlotGroup(manifest, { ...this.#options, journal, lines: this.#lines })
    this.#groups.set(id, group)
    return group
  }

  stop(): void {
    for (const group of this.#groups.values()) group.stop()
    this.#groups.clear()
    this.#lines?.close()
    this.#lines = null
  }
}
