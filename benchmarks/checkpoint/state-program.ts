import { type Block, type LeafOutcome, LeafProgram, type LeafState } from '@brume/actors/quorum'
import type { Store } from '@brume/ports'
import type { Saved, StateShape } from '../consensus/plan.ts'
import { monotonicMs } from '../harness/clock.ts'

/** Of a leaf beside its value: head of a list of two, of a text of 8 bytes, and of a byte string of up to 4 KiB. */
const FRAME_BYTES = 13

/** Leaves that hold noise, which no disk makes smaller; each command rewrites some of them, its id says which. */
export class StateProgram extends LeafProgram {
  #checkpoints = 0
  #savingMs = 0
  /** When the oldest block of a checkpoint that is not on disk was executed. */
  #sinceMs: number | null = null

  constructor(shape: StateShape, store: Store) {
    super({
      domain: 'brume/bench-state-attest/1',
      accepts: () => true,
      execute: (state, block) => execute(shape, state, block),
      store
    })
  }

  get savedSoFar(): Saved {
    return { checkpoints: this.#checkpoints, savingMs: this.#savingMs }
  }

  override deliver(block: Block): void {
    if (block.checkpoint) this.#sinceMs ??= monotonicMs()
    super.deliver(block)
  }

  override certified(heights: readonly number[]): void {
    const before = this.saved()
    super.certified(heights)
    // Others than the newest are told of again, and are on disk.
    if (this.saved() === before) return
    void this.saved().then(() => {
      this.#checkpoints += 1
      this.#savingMs += monotonicMs() - (this.#sinceMs ?? monotonicMs())
      this.#sinceMs = null
    })
  }
}

function execute(shape: StateShape, state: LeafState, { height, commands }: Block): LeafOutcome {
  const filled = state.size > 0 ? [] : Array.from({ length: shape.leaves }, (_, place) => leafAt(shape, place, height))
  const rewritten = commands.flatMap(({ id }) =>
    placesOf(id, shape).map((place) => leafAt(shape, place, Number.parseInt(id.slice(-8), 16)))
  )
  return {
    changes: [...filled, ...rewritten],
    answers: commands.map(({ id }) => [id, new Uint8Array(0)] as const)
  }
}

function placesOf(id: string, { leaves, leavesPerCommand }: StateShape): readonly number[] {
  const noise = noiseOf(Number.parseInt(id.slice(0, 8), 16), leavesPerCommand)
  return [...noise].map((word) => word % leaves)
}

function leafAt({ leafBytes }: StateShape, place: number, seed: number): readonly [path: string, value: Uint8Array] {
  const words = noiseOf(seed ^ Math.imul(place + 1, 0x9e3779b1), Math.ceil(leafBytes / 4))
  return [`s/${place.toString(16).padStart(6, '0')}`, new Uint8Array(words.buffer, 0, leafBytes - FRAME_BYTES)]
}

/** Equal on all members: xorshift32 (Marsaglia 2003), which never gets out of 0 and so never starts there. */
function noiseOf(seed: number, words: number): Uint32Array {
  let state = seed | 1
  return Uint32Array.from({ length: words }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  })
}
