import type { PeerId } from '@brume/ports'
import type { Frame } from '@brume/protocols/quorum'

/** Frames of one member that arrive before its epoch begins here: what it says in eight views. */
const FRAMES_PER_PEER_MAX = 64

/** Of all members; a frame is 48 KiB at most, and blocks are the rarest. */
const FRAMES_MAX = 1_024

/** What members of the next epoch say before it has begun here: they saw the last one close a moment sooner. */
export class Early {
  readonly #frames: { readonly from: PeerId; readonly frame: Frame }[] = []
  readonly #counts = new Map<PeerId, number>()

  /** False where there is no room: whatever is in it will be said again. */
  keep(from: PeerId, frame: Frame): boolean {
    const count = this.#counts.get(from) ?? 0
    if (count >= FRAMES_PER_PEER_MAX || this.#frames.length >= FRAMES_MAX) return false
    this.#counts.set(from, count + 1)
    this.#frames.push({ from, frame })
    return true
  }

  /** All of them, once. */
  take(): readonly { readonly from: PeerId; readonly frame: Frame }[] {
    this.#counts.clear()
    return this.#frames.splice(0)
  }
}
