/** A letter on its way, as its sender's batch fixed it. */
export interface Entry {
  readonly id: number
  readonly seq: number
  readonly prev: number
  readonly to: string
}

/** What survives of one actor. */
export interface Kept {
  outNext: number
  /** The last entry to each target. */
  readonly lastTo: Map<string, number>
  readonly outbox: Map<number, Entry>
  /** By sender, without incarnation. */
  readonly watermarks: Map<string, { readonly incarnation: number; readonly seq: number }>
  /** Ids of what was processed, in order. */
  readonly log: number[]
  /** By key. */
  readonly replies: Map<string, number>
}

const newKept = (): Kept => ({
  outNext: 1,
  lastTo: new Map(),
  outbox: new Map(),
  watermarks: new Map(),
  log: [],
  replies: new Map()
})

export type Change = (kept: Kept) => void

/** What one peer's processes leave to the next. */
export class Disk {
  boots = 0
  readonly #actors = new Map<string, Kept>()

  of(path: string): Kept {
    const known = this.#actors.get(path) ?? newKept()
    this.#actors.set(path, known)
    return known
  }

  /** As the next process finds it. */
  copy(path: string): Kept {
    return structuredClone(this.of(path))
  }
}
