import { equal, fromHex, Writer } from '@brume/codec'
import { pageCount } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { decodeCall, isSigned } from '@brume/protocols/quorum'
import { readable } from '../blocks/damage.ts'
import type { Block, Inspected, Leaf, Page, Program, ProgramEvent, ReadProof, Refusal, Target } from '../ports.ts'
import { LeafState, type Restoration } from './leaf-state.ts'
import { loadState, saveState } from './leaf-store.ts'

/** Checkpoints above those that are certified: as many as the quorum remembers, so each that it may still certify. */
const UNCERTIFIED_MAX = 4

/** States whose statements and answers can be proven: a client asks for the newest, or for the one of its command. */
const PROVABLE_MAX = 64

/** Reads that wait for a height, all clients together. */
const WAITING_MAX = 1_024

/** What a program does with a block. */
export interface LeafOutcome {
  /** By path; null removes. */
  readonly changes: Iterable<readonly [path: string, value: Uint8Array | null]>
  /** By command id: what its client is told, at most some 3 KiB. */
  readonly answers: readonly (readonly [id: string, answer: Uint8Array])[]
  /** Group time at which a block is wanted even if nobody has a command; ms since 1970. */
  readonly dueMs?: number | null
  /** The program itself wants the certificate of what it says of this block. */
  readonly want?: boolean
  /** Other leaves beside the answers, under the same root and with their paths; they can be read as long as those. */
  readonly told?: readonly (readonly [path: string, value: Uint8Array])[]
  /** Something happened though no command took effect: the block is attested too. */
  readonly attest?: boolean
}

export interface LeafProgramOptions {
  /** Of its statements: `<name>/attest/<version>`. */
  readonly domain: string
  /** False, or a throw, for a body that is no command. */
  readonly accepts: (body: Uint8Array) => boolean
  /** Deterministic: equal on all members. The next block is handed over once this one's outcome is there. */
  readonly execute: (state: LeafState, block: Block) => LeafOutcome | Promise<LeafOutcome>
  /** What a peer can be a member with; a throw refuses the group. */
  readonly opened?: (manifest: Uint8Array) => void
  /** The state is one that was stored or came from others, and not made by `execute`. */
  readonly restored?: (state: LeafState, height: number) => Promise<void>
  /** What no leaf says: the value at a path that begins with `query/`, of the newest state; null: none. */
  readonly query?: (path: string) => Promise<Uint8Array | null>
  /** Where checkpoints survive a restart; without it a restarted member has its state restored by others. */
  readonly store?: Store
  /** Gets the certificates that were wanted. */
  readonly attested?: (height: number, certificate: Uint8Array) => void
}

interface Proven {
  readonly height: number
  readonly state: LeafState
  readonly told: LeafState
  readonly statement: Uint8Array
}

interface Waiting {
  readonly atLeast: number
  readonly go: () => void
}

/**
 * A program whose state is leaves by path and whose commands are calls: everything of the port but what a
 * command means. Its statement is `groupId 32 ‖ height u64 ‖ timeMs u64 ‖ block digest 32 ‖ answers root 32 ‖
 * state root 32`, both roots by `stateRootOf`; the answer to a command is the leaf `answer/<id>` under the first.
 */
export class LeafProgram implements Program {
  readonly domain: string
  readonly #options: LeafProgramOptions
  #groupId: Uint8Array = new Uint8Array(0)
  #emit: (event: ProgramEvent) => void = () => {}
  #height = 0
  #state = LeafState.empty
  readonly #kept = new Map<number, LeafState>()
  #certified: readonly number[] = []
  #provable: Proven[] = []
  #waiting: Waiting[] = []
  #restoring: { readonly to: Target; readonly restoration: Restoration } | null = null
  /** Blocks whose turn comes when the one that is being executed is done. */
  #queue: Block[] = []
  #isExecuting = false
  /** What is under way when a state is restored comes to nothing. */
  #life = 0
  #saved: Promise<void> = Promise.resolve()
  /** The height whose state is, or will be, in the store. */
  #savedTo = 0

  constructor(options: LeafProgramOptions) {
    this.#options = options
    this.domain = options.domain
  }

  get height(): number {
    return this.#height
  }

  get leaves(): LeafState {
    return this.#state
  }

  async open(
    { groupId, manifest }: { readonly groupId: Uint8Array; readonly manifest?: Uint8Array },
    emit: (event: ProgramEvent) => void = () => {}
  ): Promise<number> {
    if (manifest !== undefined) this.#options.opened?.(manifest)
    this.#groupId = groupId
    this.#emit = emit
    const { store } = this.#options
    if (store !== undefined && this.#height === 0) await this.#load(store)
    return this.#height
  }

  inspect(command: Uint8Array): Inspected | Refusal {
    const call = decodeCall(command)
    if (!this.#options.accepts(call.body)) return { code: 'MALFORMED' }
    if (!equal(call.groupId, this.#groupId)) return { code: 'NOT_ADMITTED' }
    return isSigned(call) ? call : { code: 'BAD_SIGNATURE' }
  }

  validate(): boolean {
    return true
  }

  deliver(block: Block): void {
    if (this.#isExecuting) return void this.#queue.push(block)
    const outcome = this.#options.execute(this.#state, block)
    if (outcome instanceof Promise) void this.#await(block, outcome)
    else this.#executed(block, outcome)
  }

  async #await(block: Block, promise: Promise<LeafOutcome>): Promise<void> {
    this.#isExecuting = true
    const life = this.#life
    try {
      const outcome = await promise
      if (life !== this.#life) return
      // Who hears of it may deliver another block at once: that one comes after those that wait.
      this.#executed(block, outcome)
      if (life !== this.#life) return
      this.#isExecuting = false
      const next = this.#queue.shift()
      if (next !== undefined) this.deliver(next)
    } catch (error) {
      if (life === this.#life) this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  /** Nothing more is executed until a state is restored. */
  #fail(reason: string): void {
    this.#forget()
    this.#emit({ type: 'failed', reason })
  }

  #forget(): void {
    this.#life += 1
    this.#queue = []
    this.#isExecuting = false
  }

  #executed(block: Block, outcome: LeafOutcome): void {
    const { changes, dueMs = null, want = false } = outcome
    this.#state = this.#state.with(changes)
    this.#height = block.height
    const isSilent = block.commands.length === 0 && outcome.attest !== true
    const statement = isSilent ? null : this.#prove(block, outcome)
    if (block.checkpoint) this.#keep()
    this.#emit({
      type: 'executed',
      height: block.height,
      digest: block.digest,
      statement,
      want,
      stateRoot: block.checkpoint ? this.#state.stateRoot : null,
      leaves: this.#state.size,
      dueMs
    })
    this.#release()
  }

  attested(height: number, certificate: Uint8Array): void {
    this.#options.attested?.(height, certificate)
  }

  certified(heights: readonly number[]): void {
    this.#certified = heights
    this.#letGo()
    const newest = heights.findLast((height) => this.#kept.has(height))
    if (newest !== undefined && newest > this.#savedTo) this.#save(newest)
  }

  /** Resolves when what was certified so far is in the store. */
  saved(): Promise<void> {
    return this.#saved
  }

  async page(height: number, page: number): Promise<Page | null> {
    return this.#kept.get(height)?.page(page) ?? null
  }

  async restore(to: Target, page: number, data: Page): Promise<boolean> {
    if (page === 0) this.#forget()
    if (page === 0) this.#restoring = { to, restoration: LeafState.restoration(to) }
    const restoration = this.#restoring?.restoration
    if (restoration === undefined || !restoration.take(page, data)) return false
    if (page + 1 < pageCount(to.leaves)) return true
    this.#restoring = null
    const state = restoration.finish()
    if (state === null) return false
    if (!(await this.#isTaken(state, to.height))) return false
    this.#state = state
    this.#height = to.height
    this.#provable = []
    this.#kept.clear()
    this.#keep()
    this.#save(to.height)
    await this.#saved
    this.#release()
    return true
  }

  async read(paths: readonly string[], atLeast: number, proof: ReadProof): Promise<readonly Leaf[] | null> {
    const read = await this.#toRead(atLeast, proof)
    if (read === null) return null
    const { state, ...place } = read
    const found: (readonly Leaf[])[] = []
    for (const path of paths) {
      if (path.startsWith('answer/') || path.startsWith('told/')) found.push(this.#told(path))
      else if (path.startsWith('query/')) found.push(proof === false ? await this.#queried(path, place) : [])
      else found.push(state.leaves(path).map((leaf) => ({ ...leaf, ...place })))
    }
    return found.every((leaves) => leaves.length > 0) ? found.flat() : null
  }

  /** The state that is read: of a silent height nothing is attested, and after a restart nothing at all. */
  async #toRead(
    atLeast: number,
    proof: ReadProof
  ): Promise<(Omit<Proven, 'told' | 'statement'> & Pick<Leaf, 'statement'>) | null> {
    const proven = () => this.#provable.at(-1)?.height ?? -1
    if (proof === false) {
      if (this.#height < atLeast) await this.#until(atLeast, () => this.#height)
      return { state: this.#state, height: this.#height, statement: null }
    }
    if (proof === 'checkpoint' || proven() < atLeast) {
      const height = this.#certified.findLast((one) => one >= atLeast && this.#kept.has(one))
      const state = height === undefined ? undefined : this.#kept.get(height)
      if (height !== undefined && state !== undefined) return { state, height, statement: null }
      if (proof === 'checkpoint' || atLeast === 0) return null
    }
    if (proven() < atLeast) await this.#until(atLeast, proven)
    return this.#provable.at(-1) ?? null
  }

  async #queried(path: string, place: { readonly height: number; readonly statement: null | Uint8Array }) {
    const value = (await this.#options.query?.(path)) ?? null
    return value === null
      ? []
      : LeafState.empty
          .with([[path, value]])
          .leaves(path)
          .map((leaf) => ({ ...leaf, ...place }))
  }

  /** Answers are looked for in the blocks that can still be proven. */
  #told(path: string): readonly Leaf[] {
    for (const { height, told, statement } of this.#provable.toReversed()) {
      const leaves = told.leaves(path)
      if (leaves.length > 0) return leaves.map((leaf) => ({ ...leaf, height, statement }))
    }
    return []
  }

  async #until(atLeast: number, newest: () => number): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) throw new RangeError('too many reads wait for a height')
    while (newest() < atLeast) await new Promise<void>((go) => this.#waiting.push({ atLeast, go }))
  }

  #release(): void {
    const due = this.#waiting.filter(({ atLeast }) => atLeast <= this.#height)
    this.#waiting = this.#waiting.filter(({ atLeast }) => atLeast > this.#height)
    for (const { go } of due) go()
  }

  /** What the program cannot go on from is made again from blocks, or by another member's. */
  async #isTaken(state: LeafState, height: number): Promise<boolean> {
    try {
      await this.#options.restored?.(state, height)
      return true
    } catch {
      return false
    }
  }

  #prove({ height, timeMs, digest }: Block, outcome: LeafOutcome): Uint8Array {
    const answers = outcome.answers.map(([id, answer]) => [`answer/${id}`, answer] as const)
    const others = (outcome.told ?? []).map(([path, value]) => [`told/${path}`, value] as const)
    const told = LeafState.empty.with([...answers, ...others])
    const statement = new Writer(144)
      .bytes(this.#groupId)
      .u64(height)
      .u64(timeMs)
      .bytes(fromHex(digest))
      .bytes(told.stateRoot)
      .bytes(this.#state.stateRoot)
      .finish()
    this.#provable.push({ height, state: this.#state, told, statement })
    if (this.#provable.length > PROVABLE_MAX) this.#provable.shift()
    return statement
  }

  #keep(): void {
    this.#kept.set(this.#height, this.#state)
    this.#letGo()
  }

  /** Only what a quorum has certified: what this program alone came to may be wrong, and would be so after every restart. */
  #save(height: number): void {
    const { store } = this.#options
    const state = this.#kept.get(height)
    this.#savedTo = height
    if (store === undefined || state === undefined) return
    // A disk that is slower than checkpoints come is given the newest, and not a queue of states.
    const save = this.#saved.then(() => (this.#savedTo > height ? undefined : saveState(store, height, state)))
    this.#saved = save.catch((error: unknown) => this.#emit({ type: 'failed', reason: `not saved: ${String(error)}` }))
  }

  /** What is certified must stay, however far the program is by now: who lost its state can have no other. */
  #letGo(): void {
    const newest = this.#certified.at(-1) ?? 0
    const others = [...this.#kept.keys()].filter((height) => !this.#certified.includes(height))
    const above = others.filter((height) => height > newest).slice(-UNCERTIFIED_MAX)
    for (const height of others) if (!above.includes(height)) this.#kept.delete(height)
  }

  async #load(store: Store): Promise<void> {
    // What cannot be read is made again from blocks, or restored by others.
    const saved = (await readable(loadState(store))) ?? null
    if (saved === null) return
    if (!(await this.#isTaken(saved.state, saved.height))) return
    this.#height = saved.height
    this.#state = saved.state
    this.#savedTo = saved.height
    this.#kept.set(saved.height, saved.state)
  }
}
