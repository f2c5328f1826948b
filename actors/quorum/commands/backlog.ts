import { toHex } from '@brume/codec'
import type { Cancel, Clock } from '@brume/ports'
import { type Command, commandId } from '@brume/protocols/quorum'

/** Inspecting goes on for at most so long before votes have their turn. */
const SLICE_MS = 5

/** Of commands that are inspected as they come: they take a slice of so long, then wait for slices of their own. */
const WINDOW_MS = 10

/** A pool and a half, and one member's share of it; what does not fit is sent again by its client. */
const COMMANDS_MAX = 6_144
const PEER_COMMANDS_MAX = 2_048
const BYTES_MAX = 8_388_608

/** What a command is taken to cost before any was measured, and over how many the measure is smoothed. */
const COST_FIRST_MS = 0.2
const COST_SMOOTHING = 64

interface Arrival {
  readonly from: string
  readonly command: Command
}

/**
 * Commands of other members that nobody has inspected yet. A signature costs 0.1 ms of the thread that
 * votes are counted on, and commands come by the hundred: so while it is quiet each is inspected as it
 * comes, and under load in slices between which votes get their turn.
 */
export class Backlog {
  readonly #clock: Clock
  readonly #take: (from: string, command: Command) => void
  readonly #worked: () => void
  readonly #waiting = new Map<string, Arrival>()
  readonly #shares = new Map<string, number>()
  #bytes = 0
  #windowMs = Number.NEGATIVE_INFINITY
  #spentMs = 0
  #costMs = COST_FIRST_MS
  #cancel: Cancel | null = null

  /**
   * @param take - inspects one command
   * @param worked - called after a slice of its own, outside any turn
   */
  constructor(clock: Clock, take: (from: string, command: Command) => void, worked: () => void) {
    this.#clock = clock
    this.#take = take
    this.#worked = worked
  }

  /** What a new command costs here, ms of the wall: on a busy machine more than of the processor. */
  get costMs(): number {
    return this.#costMs
  }

  get(id: string): Command | undefined {
    return this.#waiting.get(id)?.command
  }

  /** Takes a command now, or keeps it for later. False if there is no room. */
  add(from: string, bytes: Uint8Array): boolean {
    const command = { id: toHex(commandId(bytes)), bytes }
    if (this.#waiting.has(command.id)) return true
    if (this.#waiting.size === 0 && this.#hasTime()) {
      this.#work({ from, command })
      return true
    }
    const share = this.#shares.get(from) ?? 0
    const isFull = this.#waiting.size >= COMMANDS_MAX || share >= PEER_COMMANDS_MAX
    if (isFull || this.#bytes + bytes.length > BYTES_MAX) return false
    this.#waiting.set(command.id, { from, command })
    this.#shares.set(from, share + 1)
    this.#bytes += bytes.length
    this.#cancel ??= this.#clock.after(0, () => this.#slice())
    return true
  }

  /** A block brought it: it is inspected with the block. */
  remove(id: string): void {
    const arrival = this.#waiting.get(id)
    if (arrival === undefined) return
    const { from, command } = arrival
    this.#waiting.delete(id)
    this.#bytes -= command.bytes.length
    const left = (this.#shares.get(from) ?? 1) - 1
    if (left === 0) this.#shares.delete(from)
    else this.#shares.set(from, left)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    for (const id of [...this.#waiting.keys()]) this.remove(id)
  }

  #hasTime(): boolean {
    const nowMs = this.#clock.now()
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs
      this.#spentMs = 0
    }
    return this.#spentMs < SLICE_MS
  }

  #work({ from, command }: Arrival): void {
    const startMs = this.#clock.now()
    this.#take(from, command)
    const tookMs = this.#clock.now() - startMs
    this.#spentMs += tookMs
    this.#costMs += (tookMs - this.#costMs) / COST_SMOOTHING
  }

  #slice(): void {
    this.#cancel = null
    this.#windowMs = this.#clock.now()
    this.#spentMs = 0
    for (const [id, arrival] of this.#waiting) {
      if (!this.#hasTime()) break
      this.remove(id)
      this.#work(arrival)
    }
    // At once, and yet after all input that came meanwhile.
    if (this.#waiting.size > 0) this.#cancel = this.#clock.after(0, () => this.#slice())
    this.#worked()
  }
}
