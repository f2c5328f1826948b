import type { Proposal } from '@brume/consensus'
import type { Cancel, Clock } from '@brume/ports'
import { fillOutline, type Outline } from '@brume/protocols/quorum'

/** Blocks waiting for commands: more than honest leaders ever have open; 32 KiB of ids each. */
const PENDING_MAX = 16

/** The first question waits this long for its answer; each next one half as long again. */
const TIMEOUT_FIRST_MS = 500
const TIMEOUT_MAX_MS = 30_000
const TIMEOUT_GROWTH = 1.5

/** What filling blocks in needs of its epoch. Members are indices. */
export interface Shelves {
  readonly groupId: Uint8Array
  readonly clock: Clock
  /** A command that is here. */
  readonly find: (id: string) => Uint8Array | undefined
  /** Who may have the commands of a block, the likeliest first. */
  readonly holders: (outline: Outline) => readonly number[]
  /** By id, what one member has of these; rejects where it does not answer in time. */
  readonly fetch: (
    member: number,
    ids: readonly string[],
    timeoutMs: number
  ) => Promise<ReadonlyMap<string, Uint8Array>>
  /** A block is complete; `from` sent it. `late` = outside the turn it came in. */
  readonly complete: (from: number, proposal: Proposal, signature: Uint8Array, late: boolean) => void
  readonly dropped: (cause: 'outline' | 'outlines') => void
}

interface Pending {
  readonly from: number
  readonly outline: Outline
  readonly found: Map<string, Uint8Array>
  readonly tried: Set<number>
  asks: number
  pause: Cancel | null
}

/**
 * Blocks that came with the ids of their commands: most commands are here already, the others are fetched, first
 * from who sent the block, then from those that voted for it. Until then the reducer does not know of the
 * block, so nothing is said about it.
 */
export class Assembly {
  readonly #shelves: Shelves
  readonly #pending = new Map<string, Pending>()
  #floor = 0

  constructor(shelves: Shelves) {
    this.#shelves = shelves
  }

  get size(): number {
    return this.#pending.size
  }

  add(from: number, outline: Outline): void {
    const { digest, view } = outline.place
    if (this.#pending.has(digest) || view <= this.#floor) return
    const pending: Pending = { from, outline, found: new Map(), tried: new Set(), asks: 0, pause: null }
    const missing = this.#missing(pending)
    if (missing.length === 0) return this.#finish(pending, false)
    if (this.#pending.size >= PENDING_MAX && !this.#makeRoom(view)) return this.#shelves.dropped('outlines')
    this.#pending.set(digest, pending)
    void this.#ask(pending, missing)
  }

  /** Views up to here are final: their blocks are of no use any more. */
  passed(view: number): void {
    if (view <= this.#floor) return
    this.#floor = view
    for (const pending of this.#pending.values()) if (pending.outline.place.view <= view) this.#forget(pending)
  }

  stop(): void {
    for (const pending of this.#pending.values()) this.#forget(pending)
  }

  /** The furthest view ahead goes first: a leader that fills the room does it from there. */
  #makeRoom(view: number): boolean {
    let furthest: Pending | undefined
    for (const pending of this.#pending.values()) {
      if (furthest === undefined || pending.outline.place.view >= furthest.outline.place.view) furthest = pending
    }
    if (furthest === undefined || furthest.outline.place.view < view) return false
    this.#forget(furthest)
    this.#shelves.dropped('outlines')
    return true
  }

  #forget(pending: Pending): void {
    pending.pause?.()
    this.#pending.delete(pending.outline.place.digest)
  }

  #isOpen(pending: Pending): boolean {
    return this.#pending.get(pending.outline.place.digest) === pending
  }

  #missing({ outline, found }: Pending): readonly string[] {
    return outline.ids.filter((id) => {
      if (found.has(id)) return false
      const bytes = this.#shelves.find(id)
      if (bytes !== undefined) found.set(id, bytes)
      return bytes === undefined
    })
  }

  /** One member after the other, then after a pause all of them again, until the block is whole or final without this one. */
  async #ask(pending: Pending, missing: readonly string[]): Promise<void> {
    let wanted = missing
    while (wanted.length > 0) {
      const member = this.#next(pending)
      const timeoutMs = Math.min(TIMEOUT_MAX_MS, TIMEOUT_FIRST_MS * TIMEOUT_GROWTH ** pending.asks)
      if (member === undefined) {
        pending.tried.clear()
        pending.asks += 1
        await this.#wait(pending, timeoutMs)
      } else {
        pending.tried.add(member)
        const answer = await this.#shelves.fetch(member, wanted, timeoutMs).catch(() => null)
        for (const [id, bytes] of answer ?? []) pending.found.set(id, bytes)
      }
      if (!this.#isOpen(pending)) return
      wanted = this.#missing(pending)
    }
    this.#forget(pending)
    this.#finish(pending, true)
  }

  #next({ from, outline, tried }: Pending): number | undefined {
    return [from, ...this.#shelves.holders(outline)].find((member) => !tried.has(member))
  }

  #wait(pending: Pending, delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#shelves.clock.after(delayMs, resolve)
    pending.pause = () => {
      cancel()
      resolve()
    }
    return promise
  }

  #finish({ from, outline, found }: Pending, late: boolean): void {
    const { groupId, complete, dropped } = this.#shelves
    const commands = outline.ids.map((id) => found.get(id) ?? new Uint8Array(0))
    let proposal: Proposal
    try {
      proposal = fillOutline(groupId, outline, commands)
    } catch {
      // Its header is of other commands than it names. Without the leader's signature checked, nobody is to blame.
      return dropped('outline')
    }
    complete(from, proposal, outline.signature, late)
  }
}
