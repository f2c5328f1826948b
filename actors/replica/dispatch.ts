import type { Group, QuorumClient } from '@brume/actors/quorum'
import type { Cancel, Clock, PeerId, Store } from '@brume/ports'
import { addressOf, encodeProof } from '@brume/protocols/actors/proof'
import { decodeManifest } from '@brume/protocols/quorum'
import { type Event, type Outgoing, sendPath } from '@brume/runtime/replica'
import { Outbox } from './outbox.ts'
import type { AttestedBlock } from './program.ts'

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
  /** Where what is not taken for some seconds survives a restart. */
  readonly store: Store
  /** Resolves once the target has it, and with it all that it was sent before, for good; a second one is its to drop, by `seq`. */
  readonly deliver: (sending: Sending) => Promise<void>
  /** Neither delivered nor deliverable from here. */
  readonly failed: (send: Outgoing, error: unknown) => void
}

/** Blocks whose sends are on their way from here; each holds its proof, some KiB. */
const BLOCKS_MAX = 1_024

/** Leaves that one read may ask for. */
const PATHS_MAX = 64

/** A member that catches up, or was too slow for once, can prove nothing just now. */
const PROVE_AGAIN_AFTER_MS = 1_000
const PROVE_TRIES_MAX = 60

/** What a target takes sooner costs no disk. Whatever is lost by then is brought by others, or executed anew. */
const KEEP_AFTER_MS = 5_000

/**
 * A block that comes here so late: its target may have waited in vain for what it sends, and taken later ones before it.
 * Less than what targets wait.
 */
const OLD_AFTER_MS = 60_000

/** Targets whose last one is remembered. */
const TARGETS_MAX = 4_096

/** Numbers of sends: above the one, up to the other. */
interface Taken {
  readonly above: number
  readonly upTo: number
}

const NONE: Taken = { above: 0, upTo: 0 }

/** Some of a block's sends, made ready while they can be proven. */
interface Ready {
  readonly sends: readonly Outgoing[]
  readonly proofOf: (index: number) => Uint8Array
}

/**
 * What a replicated machine sends leaves from here: by the leader of its block at once, by those after it two Delta later
 * each, unless the target has taken that one or a later one from here by then: it takes them in order, the first of each,
 * and drops the rest. Where it may not have waited for an earlier one, that is brought all the same. Every member has a turn: those before it may all be liars, be down, or have lost it in a restart.
 */
export class Dispatch {
  readonly #options: DispatchOptions
  readonly #turnMs: number
  readonly #from: string
  /** By height, what ends the wait of a block. */
  readonly #waiting = new Map<number, Cancel>()
  /** By target, what it has taken from here, and took in order. */
  readonly #taken = new Map<string, Taken>()
  readonly #outbox: Outbox
  /** What ends the wait for the disk of those that are on their way. */
  readonly #keeping = new Set<Cancel>()
  #isStopped = false

  constructor(options: DispatchOptions) {
    this.#options = options
    this.#turnMs = 2 * decodeManifest(options.manifest).pace.deltaMs
    this.#from = addressOf(options.manifest)
    this.#outbox = new Outbox(options.store)
  }

  /** Takes up what an earlier life of this member could not deliver. @throws CodecError, StoreError */
  async resume(): Promise<void> {
    for await (const sending of this.#outbox.kept()) this.#bring(sending, true)
  }

  /** The block is attested: `attested` of `createReplica`. */
  attested({ height, leader, timeMs }: AttestedBlock, sends: readonly Outgoing[]): void {
    const rank = this.#rank(leader)
    if (rank === -1) return
    const turn = this.#begin(height)
    const dueMs = this.#options.clock.now() + rank * this.#turnMs
    // Proven now, whenever the turn is: later the program may have forgotten it.
    this.#prove(height, sends, turn)
      .then((ready) => this.#at(dueMs, turn).then(() => this.#send(ready, timeMs)))
      .catch((error: unknown) => {
        if (!turn.aborted) for (const send of sends) this.#options.failed(send, error)
      })
      .finally(() => {
        if (!turn.aborted) this.#waiting.delete(height)
      })
  }

  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#keeping) cancel()
    for (const cancel of this.#waiting.values()) cancel()
    this.#waiting.clear()
  }

  /** Of a block that is executed anew, the turn begins again. */
  #begin(height: number): AbortSignal {
    const ending = new AbortController()
    this.#waiting.get(height)?.()
    this.#waiting.delete(height)
    this.#waiting.set(height, () => ending.abort())
    for (const [oldest, cancel] of this.#waiting) {
      if (this.#waiting.size <= BLOCKS_MAX) break
      cancel()
      this.#waiting.delete(oldest)
    }
    return ending.signal
  }

  /** How many go before this peer; -1 where it is no member. */
  #rank(leader: number): number {
    const { members } = this.#options.group.status()
    const own = members.findIndex(({ peer }) => peer === this.#options.self)
    return own === -1 ? -1 : (own - (leader % members.length) + members.length) % members.length
  }

  /** @throws what the turn was ended with */
  async #at(dueMs: number, turn: AbortSignal): Promise<void> {
    const { clock } = this.#options
    turn.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const cancel = clock.after(Math.max(0, dueMs - clock.now()), resolve)
    const end = (): void => {
      cancel()
      reject(turn.reason)
    }
    turn.addEventListener('abort', end)
    await promise.finally(() => turn.removeEventListener('abort', end))
  }

  async #prove(height: number, sends: readonly Outgoing[], turn: AbortSignal): Promise<readonly Ready[]> {
    const ready: Ready[] = []
    for (let at = 0; at < sends.length; at += PATHS_MAX) {
      ready.push(await this.#proveSome(height, sends.slice(at, at + PATHS_MAX), turn))
    }
    return ready
  }

  async #proveSome(height: number, sends: readonly Outgoing[], turn: AbortSignal): Promise<Ready> {
    const { client, manifest, clock } = this.#options
    const paths = sends.map(({ seq }) => sendPath(seq))
    for (let tries = 1; ; tries++) {
      try {
        const { bundle, places } = await client.read(paths, 'certified', { atLeast: height })
        if (bundle === null || places === null) throw new RangeError('its block can be proven no more')
        return { sends, proofOf: (i) => encodeProof(manifest, bundle, i === 0 ? [] : places.slice(i, i + 1)) }
      } catch (error) {
        if (error instanceof RangeError || tries >= PROVE_TRIES_MAX) throw error
        await this.#at(clock.now() + PROVE_AGAIN_AFTER_MS, turn)
      }
    }
  }

  #send(ready: readonly Ready[], timeMs: number): void {
    const isOld = this.#options.clock.wall() - timeMs > OLD_AFTER_MS
    for (const { sends, proofOf } of ready) {
      for (const [i, send] of sends.entries()) {
        if (!isOld && this.#isTaken(send)) continue
        this.#bring({ from: this.#from, ...send, proof: proofOf(i) }, false)
      }
    }
  }

  #bring(sending: Sending, isKept: boolean): void {
    const { deliver, failed } = this.#options
    const kept = isKept ? () => true : this.#keepLater(sending)
    deliver(sending)
      .then(
        () => this.#noteTaken(sending),
        (error: unknown) => {
          if (!this.#isStopped) failed(sending, error)
        }
      )
      // What stopping ends is taken up after the next start.
      .then(() => (kept() && !this.#isStopped ? this.#outbox.drop(sending.seq) : undefined))
      .catch((error: unknown) => failed(sending, error))
  }

  /** @returns what ends it, and says whether it is in the outbox by then */
  #keepLater(sending: Sending): () => boolean {
    let isKept = false
    const cancel = this.#options.clock.after(KEEP_AFTER_MS, () => {
      isKept = true
      this.#keeping.delete(cancel)
      this.#outbox.keep(sending).catch((error: unknown) => this.#options.failed(sending, error))
    })
    this.#keeping.add(cancel)
    return () => {
      cancel()
      this.#keeping.delete(cancel)
      return isKept
    }
  }

  #isTaken({ to, seq }: Outgoing): boolean {
    const { above, upTo } = this.#taken.get(to) ?? NONE
    return above < seq && seq <= upTo
  }

  #noteTaken({ to, seq, prev }: Sending): void {
    const known = this.#taken.get(to) ?? NONE
    this.#taken.delete(to)
    // One that names none before it is taken before those.
    const next = { above: prev === 0 ? seq - 1 : known.above, upTo: seq }
    this.#taken.set(to, seq > known.upTo ? next : known)
    for (const oldest of this.#taken.keys()) if (this.#taken.size > TARGETS_MAX) this.#taken.delete(oldest)
  }
}
