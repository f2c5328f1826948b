import { toHex } from '@brume/codec'
import type { Final } from '@brume/consensus'
import type { Cancel } from '@brume/ports'
import { decodeManifest, groupIdOf, type Manifest } from '@brume/protocols/quorum'
import { Ledger } from './blocks/ledger.ts'
import type { Epoch } from './epoch.ts'
import type { Epochs } from './epochs.ts'
import { QuorumError } from './errors.ts'
import type { GroupEvent, GroupState } from './events.ts'
import type { GroupGossip } from './gossip/gossip.ts'
import type { Host } from './host.ts'
import type { Parts } from './load.ts'
import type { LifecycleEvent } from './machine.ts'
import { Timings } from './votes/timings.ts'

/** What all that one group is made of shares: who it is, where it stands, and whom to tell. */
export class Core {
  readonly id: string
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  readonly host: Host
  readonly label: { readonly group: string }
  readonly ledger: Ledger
  readonly timings: Timings
  readonly genesis: Final
  /** Null until the group has read its past. */
  parts: Parts | null = null
  epochs: Epochs | null = null
  /** Null until its members are looked for. */
  gossip: GroupGossip | null = null
  state: GroupState = 'loading'
  reason: string | null = null
  /** To the machine that holds the group's life. */
  tell: (event: LifecycleEvent) => void = () => {}
  readonly #listeners = new Set<(event: GroupEvent) => void>()

  constructor(manifest: Uint8Array, host: Host) {
    this.host = host
    this.manifestBytes = manifest
    this.manifest = decodeManifest(manifest)
    this.groupId = groupIdOf(manifest)
    this.id = toHex(this.groupId)
    this.label = { group: this.id.slice(0, 8) }
    this.ledger = new Ledger(host.store, this.groupId)
    this.timings = new Timings(host.meters, this.label)
    this.genesis = { view: 0, height: 0, digest: this.id, timeMs: 0, certificate: null }
  }

  /** @throws QuorumError SYNCING before the group has read its past */
  get loaded(): Parts {
    return this.parts ?? stillReading()
  }

  /** The epoch that decides. @throws QuorumError SYNCING before the group has read its past */
  get current(): Epoch {
    return this.epochs?.current ?? stillReading()
  }

  /** The newest final block; before the group has read its past, what comes before all blocks. */
  get floor(): Final {
    return this.parts === null ? this.genesis : this.current.engine.state.final
  }

  isCurrent(epoch: Epoch): boolean {
    return this.epochs?.isCurrent(epoch) === true
  }

  onEvent(listener: (event: GroupEvent) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: GroupEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** What must be on disk is not: the group cannot go on here. */
  failed(error: unknown): void {
    this.tell({ type: 'store.failed', reason: messageOf(error) })
  }

  dropped(cause: string): void {
    this.host.meters.dropped.inc({ ...this.label, cause })
  }

  /** ms since 1970. */
  wallMs(): number {
    return Math.floor(this.host.clock.wall())
  }
}

function stillReading(): never {
  throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
