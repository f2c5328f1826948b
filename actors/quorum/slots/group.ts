import { equal, toHex } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import type { SlotMessage } from '@brume/consensus/slot'
import { type Identity, sha256 } from '@brume/crypto'
import type { Cancel, Clock, Journal, Log, PeerId } from '@brume/ports'
import { committeeOf, decodeManifest } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { SlotLines } from './lines.ts'
import { SlotMemory } from './memory.ts'
import { Slot, type SlotTerms } from './slot.ts'

/** Slots of one group that may be open at once: each holds the votes of all members. */
const SLOTS_OPEN_MAX = 256

/** Slots that a member may have open, each asked about once in Delta: it is told of no more that have ended. */
const TOLD_MAX = SLOTS_OPEN_MAX

/** How long nobody may have had a decided result before all are asked again. */
const FETCH_AGAIN_MS = 500

export interface SlotHost {
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
  readonly journal: Journal
  readonly lines: SlotLines
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
}

/** Members that decide single values together; each slot has a number, used once. */
export class SlotGroup {
  readonly groupId: Uint8Array
  readonly id: string
  readonly #host: SlotHost
  readonly #committee: Committee
  readonly #self: number | null
  readonly #peers: readonly PeerId[]
  readonly #deltaMs: number
  readonly #memory: SlotMemory
  readonly #slots = new Map<number, Slot>()
  readonly #told: { sinceMs: number; count: number }[]
  readonly #undo: Cancel[]

  /** @throws ManifestError, CommitteeError for a manifest that is none */
  constructor(manifestBytes: Uint8Array, host: SlotHost) {
    const { members, pace } = decodeManifest(manifestBytes)
    this.#host = host
    this.#committee = committeeOf(manifestBytes)
    this.groupId = this.#committee.groupId
    this.id = toHex(this.groupId)
    this.#peers = members.map(({ peer }) => peer)
    this.#told = members.map(() => ({ sinceMs: 0, count: 0 }))
    this.#deltaMs = pace.deltaMs
    this.#memory = new SlotMemory(host.journal, host.clock, this.groupId)
    const index = members.findIndex(({ key }) => equal(key, host.identity.publicKey))
    this.#self = index >= 0 && this.#memory.isWhole ? index : null
    if (index >= 0 && this.#self === null)
      host.log.warn({ group: this.id }, 'the journal is not whole: this key says nothing in slots')
    this.#undo = [
      host.lines.join({
        groupId: this.groupId,
        peers: this.#peers,
        heard: (from, message) => this.#heard(from, message),
        value: (slot, digest) => this.#slots.get(slot)?.value(digest)
      }),
      host.keepConnected(`slots/${this.id}`, this.#peers)
    ]
  }

  /**
   * Opens a slot, or gives the one that is open. All members must open it with the same terms, in any order.
   *
   * @param number - below 2^53, and not below what `forget` was told
   * @throws QuorumError
   */
  open(number: number, terms: SlotTerms = {}): Slot {
    const open = this.#slots.get(number)
    if (open !== undefined) return open
    if (number < this.#memory.floor)
      throw new QuorumError('BRUME_QUORUM_SLOT_OVER', `slots below ${this.#memory.floor} are over`)
    if (this.#memory.isWriting(number)) {
      throw new QuorumError(
        'BRUME_QUORUM_OPEN',
        'the slot was closed while it spoke: open it again when that is on disk'
      )
    }
    if (this.#slots.size >= SLOTS_OPEN_MAX)
      throw new QuorumError('BRUME_QUORUM_SLOTS_FULL', `${SLOTS_OPEN_MAX} slots are open: close some`)
    const { identity, clock, log } = this.#host
    const slot = new Slot(
      {
        committee: { ...this.#committee, epoch: number },
        self: this.#self,
        identity,
        clock,
        log,
        memory: this.#memory,
        deltaMs: this.#deltaMs,
        send: (to, message) => this.#send(to, message),
        fetch: (digest, stopped) => this.#fetch(number, digest, stopped)
      },
      terms
    )
    this.#slots.set(number, slot)
    return slot
  }

  /**
   * This member is through with it. Where it has ended here, others are told so for as long as it is not forgotten;
   * else they may still need its votes, so not at once. Opened again it goes on.
   */
  close(number: number): void {
    this.#slots.get(number)?.close()
    this.#slots.delete(number)
  }

  /** Slots below are over for good, and the journal may let go of them. */
  forget(below: number): void {
    for (const number of this.#slots.keys()) if (number < below) this.close(number)
    this.#memory.forget(below)
  }

  stop(): void {
    for (const number of this.#slots.keys()) this.close(number)
    this.#memory.stop()
    for (const undo of this.#undo) undo()
  }

  #send(to: 'all' | number, message: SlotMessage): void {
    const peers = to === 'all' ? this.#peers : this.#peers.slice(to, to + 1)
    this.#host.lines.send(peers, this.groupId, message)
  }

  /** Of a slot that is not open here nothing is kept: its members say it again. */
  #heard(from: PeerId, message: SlotMessage): void {
    const [number, member] = [slotOf(message), this.#peers.indexOf(from)]
    const slot = this.#slots.get(number)
    if (slot !== undefined) slot.heard(member, message)
    else if (message.type === 'votes' || message.type === 'ask') this.#tell(member, number)
  }

  /** Who asks about a slot that has ended here, in this life or an earlier one, gets the proof of it. */
  #tell(member: number, number: number): void {
    const certificate = this.#memory.endOf(number)
    if (certificate !== undefined && this.#mayTell(member)) this.#send(member, { type: 'certificate', certificate })
  }

  #mayTell(member: number): boolean {
    const told = this.#told[member]
    if (told === undefined) return false
    const nowMs = this.#host.clock.now()
    if (nowMs >= told.sinceMs + this.#deltaMs) Object.assign(told, { sinceMs: nowMs, count: 0 })
    told.count += 1
    return told.count <= TOLD_MAX
  }

  async #fetch(slot: number, digest: string, stopped: () => boolean): Promise<Uint8Array | undefined> {
    while (!stopped()) {
      for (const peer of this.#peers) {
        if (peer === this.#host.identity.peerId || stopped()) continue
        const value = await this.#host.lines.fetch(peer, { groupId: this.groupId, slot, digest })
        if (value !== undefined && toHex(sha256(value)) === digest) return value
      }
      await new Promise<void>((resolve) => this.#host.clock.after(FETCH_AGAIN_MS, resolve))
    }
    return undefined
  }
}

function slotOf(message: SlotMessage): number {
  if (message.type === 'votes') return message.votes[0]?.epoch ?? 0
  if (message.type === 'ask') return message.epoch
  return message.type === 'propose' ? message.vote.epoch : message.certificate.epoch
}
