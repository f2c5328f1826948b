import type { Group, QuorumClient } from '@brume/actors/quorum'
import type { Cancel, Clock, PeerId } from '@brume/ports'
import { addressOf, encodeProof } from '@brume/protocols/actors/proof'
import { decodeManifest } from '@brume/protocols/quorum'
import { type Event, type Outgoing, sendPath } from '@brume/runtime/replica'

/** A send with what proves it: whoever has it may hand it on. */
export interface Sending {
  /** The group's actor. */
  readonly from: string
  readonly to: string
  readonly seq: number
  readonly prev: number
  readonly event: Event
  /** For `SendProofs`. */
  readonly proof: Uint8Array
}

export interface DispatchOptions {
  readonly clock: Clock
  readonly manifest: Uint8Array
  readonly self: PeerId
  /** Of this peer, and who is in it now. */
  readonly group: Pick<Group, 'status'>
  readonly client: Pick<QuorumClient, 'read'>
  /** Resolves once the target has it for good; a second one is its to drop, by `seq`. */
  readonly deliver: (sending: Sending) => Promise<void>
  /** Neither delivered nor deliverable from here. */
  readonly failed: (send: Outgoing, error: unknown) => void
}

/** Blocks whose sends are on their way from here. */
const BLOCKS_MAX = 1_024

/** Leaves that one read may ask for. */
const PATHS_MAX = 64

/**
 * What a replicated machine sends leaves from here: by the leader of its block at once, by those after it two Delta later
 * each, until members of more than F weight have had their turn: one of them is honest and lives. The target takes the
 * first and drops the rest.
 */
export class Dispatch {
  readonly #options: DispatchOptions
  readonly #turnMs: number
  readonly #from: string
  readonly #waiting = new Map<number, Cancel>()

  constructor(options: DispatchOptions) {
    this.#options = options
    this.#turnMs = 2 * decodeManifest(options.manifest).pace.deltaMs
    this.#from = addressOf(options.manifest)
  }

  /** The block is attested: `attested` of `createReplica`. */
  attested({ height, leader }: { readonly height: number; readonly leader: number }, sends: readonly Outgoing[]): void {
    const rank = this.#rank(leader)
    if (rank === null) return
    const { clock } = this.#options
    const delayMs = rank * this.#turnMs
    this.#waiting.get(height)?.()
    this.#waiting.set(
      height,
      clock.after(delayMs, () => {
        this.#waiting.delete(height)
        this.#send(height, sends).catch((error: unknown) => {
          for (const send of sends) this.#options.failed(send, error)
        })
      })
    )
    for (const [oldest, cancel] of this.#waiting) {
      if (this.#waiting.size <= BLOCKS_MAX) break
      cancel()
      this.#waiting.delete(oldest)
    }
  }

  /** Somebody else has delivered all of this block. */
  settled(height: number): void {
    this.#waiting.get(height)?.()
    this.#waiting.delete(height)
  }

  stop(): void {
    for (const cancel of this.#waiting.values()) cancel()
    this.#waiting.clear()
  }

  /** How many go before this peer; null where it need not. */
  #rank(leader: number): number | null {
    const { members, weight } = this.#options.group.status()
    let before = 0
    for (let rank = 0; rank < members.length && before <= weight.faults; rank++) {
      const member = members[(leader + rank) % members.length]
      if (member?.peer === this.#options.self) return rank
      before += member?.weight ?? 0
    }
    return null
  }

  async #send(height: number, sends: readonly Outgoing[]): Promise<void> {
    for (let at = 0; at < sends.length; at += PATHS_MAX) {
      await this.#sendSome(height, sends.slice(at, at + PATHS_MAX))
    }
  }

  async #sendSome(height: number, sends: readonly Outgoing[]): Promise<void> {
    const { client, manifest, deliver, failed } = this.#options
    const paths = sends.map(({ seq }) => sendPath(seq))
    const { bundle, places } = await client.read(paths, 'certified', { atLeast: height })
    const from = this.#from
    for (const [i, send] of sends.entries()) {
      const place = places?.[i]
      if (bundle === null || place === undefined) {
        failed(send, new RangeError('its block can be proven no more'))
        continue
      }
      const proof = encodeProof(manifest, bundle, i === 0 ? [] : [place])
      deliver({ from, ...send, proof }).catch((error: unknown) => failed(send, error))
    }
  }
}
