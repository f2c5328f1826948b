import { type Block, type LeafOutcome, LeafProgram, type LeafState } from '@brume/actors/quorum'
import { encode, equal, toHex } from '@brume/codec'
import type { Store } from '@brume/ports'
import { ATTEST_DOMAIN, addressOf, type ProvedState, SendProofs } from '@brume/protocols/actors/proof'
import { decodeCall, decodeManifest } from '@brume/protocols/quorum'
import { formatAddress, groupAuthority, parseAddress } from '@brume/runtime/address'
import {
  type Assignment,
  type Bundle,
  decodeCommand,
  decodeTerms,
  type Executed,
  type Executor,
  emittedName,
  encodeAnswer,
  encodeSend,
  Items,
  inputDigest,
  type Json,
  type Outgoing,
  ReplicaError,
  RUNTIME,
  readQueryPath,
  requireGolden,
  type Shown,
  type StateRef,
  sendName,
  snapshotOf
} from '@brume/runtime/replica'

export interface ReplicaOptions {
  readonly bundle: Bundle
  /** Its digest is in the manifest; null where there is a legacy. */
  readonly input: Json
  /** The state it goes on from, where the manifest names an origin. */
  readonly legacy?: ProvedState
  /** Runs the machine: a `WorkerExecutor`, or, in simulated time, `inlineExecutor`. */
  readonly executor: (bundle: Bundle, assignment: Assignment) => Executor
  /** Where checkpoints survive a restart; without it a restarted member has its state restored by others. */
  readonly store?: Store
  /** Events that a block sends, once what came of it is attested by weight > F. Also of blocks that are executed anew. */
  readonly attested?: (block: AttestedBlock, sends: readonly Outgoing[]) => void
}

/** A block of which something leaves. */
export interface AttestedBlock {
  readonly height: number
  readonly leader: number
  /** Group time, ms since 1970. */
  readonly timeMs: number
}

interface Kept {
  readonly block: Omit<AttestedBlock, 'height'>
  readonly sends: readonly Outgoing[]
}

/** Blocks whose sends wait for their certificate. */
const UNATTESTED_MAX = 512

/** In the place of a command's id, where a query was not ordered. */
const NO_COMMAND = '00'.repeat(32)

/** Incarnation of every replicated actor: its state never starts afresh. */
const INCARNATION = 1

/**
 * A machine as a quorum group's program.
 *
 * `open` throws `ReplicaError` PROGRAM where the manifest names another logic, runtime or input, ENGINE where this
 * process computes otherwise than others.
 */
export function createReplica(options: ReplicaOptions): LeafProgram {
  const replica = new Replica(options)
  return new LeafProgram({
    domain: ATTEST_DOMAIN,
    accepts: (body) => decodeCommand(body) !== null,
    execute: (_, block) => replica.execute(block),
    opened: (manifest) => replica.open(manifest),
    restored: (state) => replica.restore(state),
    query: (path) => replica.query(path),
    attested: (height) => replica.attested(height),
    ...(options.store === undefined ? {} : { store: options.store })
  })
}

/** The machine's state beside the order's. */
class Replica {
  readonly #options: ReplicaOptions
  readonly #sends = new Map<number, Kept>()
  #executor: Executor | null = null
  /** Null before the first block. */
  #state: StateRef | null = null
  #dueMs: number | null = null
  readonly #proofs = new SendProofs()
  /** Addresses under which this actor is sent to: its own, and its origin's. */
  #names: readonly string[] = []

  constructor(options: ReplicaOptions) {
    this.#options = options
  }

  open(manifest: Uint8Array): void {
    requireGolden()
    const { bundle, input, legacy, executor } = this.#options
    const terms = decodeTerms(decodeManifest(manifest).program)
    const { logicId, runtime, inputDigest: digest, admins, origin } = terms
    if (!equal(logicId, bundle.logicId)) throw other('logic', 'register the module whose logic id the manifest names')
    if (runtime !== RUNTIME) throw other('runtime', `the manifest says ${runtime}, this peer runs ${RUNTIME}`)
    const begins = origin === null ? inputDigest(input) : legacy?.stateRoot
    if (begins === undefined || !equal(digest, begins))
      throw other('input', 'it has not the digest that the manifest names')
    const address = addressOf(manifest)
    this.#names = origin === null ? [address] : [address, renamed(address, origin.groupId)]
    const version = origin?.version ?? 0
    this.#executor = executor(bundle, {
      ...{ address: `${address}#${INCARNATION}`, input, admins: admins.map(toHex) },
      legacy: origin === null || legacy === undefined ? null : { leaves: legacy.leaves, version }
    })
  }

  async execute(block: Block): Promise<LeafOutcome> {
    const { height, timeMs, seed, commands } = block
    const isDue = this.#dueMs !== null && this.#dueMs <= timeMs
    if (this.#state !== null && commands.length === 0 && !isDue) return this.#unchanged()
    const ordered = commands.map(({ id, client, index, bytes }) => {
      const { body } = decodeCall(bytes)
      return { id, client, index, body, shown: this.#shown(body) }
    })
    const executed = await this.#running().execute(this.#state, { height, timeMs, seed, commands: ordered })
    this.#became(executed.state, executed.dueMs)
    return this.#outcomeOf(block, executed)
  }

  /** What a command shows that another group has sent to this one: a function of its bytes alone, equal on all members. */
  #shown(body: Uint8Array): Shown | null {
    const command = decodeCommand(body)
    if (command.kind !== 'sent') return null
    try {
      const sent = this.#proofs.verify(command.proof)
      return this.#names.includes(sent.to) ? sent : null
    } catch {
      return null
    }
  }

  async restore(state: LeafState): Promise<void> {
    const ref = await this.#running().restore([...state.values()])
    this.#sends.clear()
    this.#became(ref, earliestOf(state))
  }

  async query(path: string): Promise<Uint8Array | null> {
    if (this.#state === null) return null
    const { name, args } = readQueryPath(path)
    const { outcome, value } = await this.#running().query(this.#state, name, args)
    return encodeAnswer({ id: NO_COMMAND, outcome, value })
  }

  attested(height: number): void {
    const kept = this.#sends.get(height)
    this.#sends.delete(height)
    if (kept !== undefined) this.#options.attested?.({ height, ...kept.block }, kept.sends)
  }

  #became(state: StateRef, dueMs: number | null): void {
    if (this.#state !== null) this.#executor?.drop(this.#state)
    this.#state = state
    this.#dueMs = dueMs
  }

  #unchanged(): LeafOutcome {
    return { changes: [], answers: [], dueMs: this.#dueMs }
  }

  #outcomeOf({ height, leader, timeMs }: Block, { outcomes, sends, emitted, ...executed }: Executed): LeafOutcome {
    if (sends.length > 0) this.#keep(height, { leader, timeMs }, sends)
    const { changes, fired, dueMs } = executed
    const sent = sends.map((send) => [sendName(send.seq), encodeSend(send)] as const)
    const told = emitted.map((event, place) => [emittedName(height, place), encode(event)] as const)
    return {
      changes,
      answers: outcomes.map((outcome) => [outcome.id, encodeAnswer(outcome)] as const),
      told: [...sent, ...told],
      dueMs,
      attest: fired > 0,
      want: sends.length > 0
    }
  }

  #keep(height: number, block: Kept['block'], sends: readonly Outgoing[]): void {
    this.#sends.set(height, { block, sends })
    for (const oldest of this.#sends.keys()) if (this.#sends.size > UNATTESTED_MAX) this.#sends.delete(oldest)
  }

  #running(): Executor {
    if (this.#executor === null) throw new ReplicaError('BRUME_RUNTIME_PROGRAM', 'the program is not open')
    return this.#executor
  }
}

/** Timers are in order; those of a frozen state never fire here. */
function earliestOf(state: LeafState): number | null {
  const items = new Items(state.values())
  const timers = items.get('timers') as readonly (readonly Json[])[] | undefined
  return timers?.[0] === undefined || snapshotOf(items).frozen ? null : Number(timers[0][1])
}

/** The actor of this name in another group. */
function renamed(address: string, groupId: Uint8Array): string {
  return formatAddress(groupAuthority(groupId), parseAddress(address).path)
}

function other(what: string, message: string): ReplicaError {
  return new ReplicaError('BRUME_RUNTIME_PROGRAM', `this group runs another ${what} than this peer: ${message}`)
}
