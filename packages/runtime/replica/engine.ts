import { toHex } from '@brume/codec'
import { peerIdFromKey } from '@brume/crypto'
import { parseAddress } from '../address.ts'
import type { Effect, Event, Json, Scope } from '../logic/port.ts'
import { clone } from './clone.ts'
import { type Command, decodeCommand, readEvent } from './commands.ts'
import { draws } from './draws.ts'
import { exhausted, fitting, guarded, StepFailure, unfit } from './failure.ts'
import type { Inside } from './inside-port.ts'
import type { OutcomeName } from './leaves.ts'
import { migrated } from './migrate.ts'
import type { Assignment, Batch, Ordered, Outcome, Outgoing } from './port.ts'
import { receive } from './sources.ts'
import { byDue, finish, isExhausted, NOTHING, type State, seal, type Timer } from './state.ts'
import { type Place, type Wishes, wishesOf } from './wishes.ts'

/** Of sequence numbers of a group, `height x 2^14 + place`: the rest of a block's sends is refused. */
const SENDS_PER_BLOCK_MAX = 16_384

/** Whose last send is remembered, so that the next one can name it: to others, one that is missing goes unnoticed. */
const TARGETS_MAX = 256
/** Clients whose addresses are remembered: making one costs 50 µs. */
const SENDERS_MAX = 1_024
/** Of every replicated actor: its state never starts afresh. */
const INCARNATION = 1
/** What is told of a timer's place in `random`, apart from every place in a payload. */
const TIMER_INDEX = 0x8000_0000

/** One block's work on a state. */
export interface Result {
  readonly state: State
  readonly outcomes: readonly Outcome[]
  readonly sends: readonly Outgoing[]
  readonly emitted: readonly Event[]
  readonly fired: number
}

interface Stepped extends Omit<Wishes, 'timers'> {
  readonly state: State
  readonly handled: boolean
}

interface CarriedOut {
  readonly outcome: OutcomeName
  readonly value: Json
  readonly stepped: Stepped | null
}

/** Of a step that wants nothing, and that no transition took. */
const SILENT = { sends: [], emitted: [], reply: null, handled: false } as const

/** The meaning of blocks: pure but for what the realm remembers, which the check has shown to be nothing. */
export class Engine {
  readonly inside: Inside
  readonly #assignment: Assignment
  readonly #failed: (failure: Error) => void
  readonly #senders = new Map<string, string>()

  /** @param failed - hears what became an outcome, with its cause: for the check, and nothing replicated */
  constructor(inside: Inside, assignment: Assignment, failed: (failure: Error) => void = () => {}) {
    this.inside = inside
    this.#assignment = assignment
    this.#failed = failed
  }

  /** @throws ReplicaError EXHAUSTED */
  run(parent: State | null, batch: Batch): Result {
    const sends: Outgoing[] = []
    const emitted: Event[] = []
    const outcomes: Outcome[] = []
    let state = parent ?? this.start(batch)
    const take = ({ state: next, sends: sent, emitted: more }: Stepped): void => {
      state = sent.length === 0 ? next : { ...next, sent: this.#numbered(next.sent, sent, batch, sends) }
      emitted.push(...more)
    }
    const due = dueOf(state, batch.timeMs)
    due.forEach((timer, i) => {
      // An earlier one of this block may have cancelled it, or armed it anew.
      if (state.timers.get(timer.id) === timer) take(this.#fire(state, timer, batch, i))
    })
    for (const command of batch.commands) {
      const { id } = command
      try {
        const { outcome, value, stepped } = this.#carryOut(state, command, batch)
        if (sends.length + (stepped?.sends.length ?? 0) > SENDS_PER_BLOCK_MAX) throw new StepFailure('unfit', 'sends')
        if (stepped !== null) take(stepped)
        outcomes.push({ id, outcome, value })
      } catch (error) {
        if (!(error instanceof StepFailure)) throw error
        this.#failed(error)
        outcomes.push({ id, outcome: error.outcome, value: error.word })
      }
    }
    const isSealed = state.sent === parent?.sent && state.sources === parent.sources
    const sealed = isSealed ? state : seal(this.inside, state, state)
    return { state: finish(this.inside, parent ?? NOTHING, sealed), outcomes, sends, emitted, fired: due.length }
  }

  /** Gives sends their numbers. @returns the last ones by target */
  #numbered(
    before: ReadonlyMap<string, number>,
    sent: Stepped['sends'],
    { height }: Batch,
    sends: Outgoing[]
  ): ReadonlyMap<string, number> {
    const last = new Map(before)
    for (const { to, event } of sent) {
      const seq = height * SENDS_PER_BLOCK_MAX + sends.length
      sends.push({ seq, prev: last.get(to) ?? 0, to, event })
      last.delete(to)
      last.set(to, seq)
      for (const oldest of last.keys()) if (last.size > TARGETS_MAX) last.delete(oldest)
    }
    return last
  }

  /** The state before the first command; one with status `error` where the machine cannot start. @throws ReplicaError */
  start(batch: Batch): State {
    const scope = this.scope(batch, TIMER_INDEX - 1, null, null)
    const { legacy } = this.#assignment
    try {
      if (legacy !== null) return guarded(() => migrated(this.inside, legacy, scope))
      const { state: inner, effects } = guarded(() => this.inside.init(this.#assignment.input, scope))
      return this.#settled(NOTHING, inner, effects, batch, { index: TIMER_INDEX - 1, ask: null }).state
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error
      this.#failed(error)
      return seal(this.inside, NOTHING, NOTHING)
    }
  }

  /** Of any state, outside the order. @throws ReplicaError EXHAUSTED */
  query(state: State, name: string, args: Json): { readonly outcome: OutcomeName; readonly value: Json } {
    try {
      return { outcome: 'ok', value: this.#select(state, name, args) }
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error
      return { outcome: error.outcome, value: error.word }
    }
  }

  scope(batch: Batch, index: number, sender: string | null, ask: string | null): Scope {
    const random = draws(batch, index)
    return { address: this.#assignment.address, parent: null, nowMs: batch.timeMs, sender, ask, random }
  }

  #carryOut(state: State, ordered: Ordered, batch: Batch): CarriedOut {
    const command = decodeCommand(ordered.body)
    switch (command.kind) {
      case 'noop':
        return { outcome: 'ok', value: null, stepped: null }
      case 'query':
        return { outcome: 'ok', value: this.#select(state, command.name, command.args), stepped: null }
      case 'freeze':
        return this.#freeze(state, ordered, command)
      case 'event': {
        requireThawed(state)
        const { index, client, id } = ordered
        const scope = this.scope(batch, index, this.#senderOf(client), id)
        return carriedOut(this.#step(state, this.#admitted(command.event), scope, batch, index))
      }
      case 'sent':
        return this.#receive(state, ordered, batch)
    }
  }

  /** Twice, for an upgrade: what a successor begins with is known when this one has ended. */
  #freeze(state: State, { client }: Ordered, { successor }: Command & { readonly kind: 'freeze' }): CarriedOut {
    if (!this.#assignment.admins.includes(toHex(client))) throw new StepFailure('refused', 'forbidden')
    if (state.successor !== null && successor !== state.successor) throw new StepFailure('moved', state.successor)
    if (successor !== null && !state.frozen) throw new StepFailure('refused', 'thawed')
    if (successor !== null && !isGroupAddress(successor)) throw new StepFailure('refused', 'address')
    const frozen = this.#sealed(state, { ...state, frozen: true, successor })
    return { outcome: 'ok', value: null, stepped: { ...SILENT, state: frozen } }
  }

  /** What another group was shown to have sent. It is taken, whatever the machine makes of it: nobody brings it again. */
  #receive(state: State, { shown = null, index }: Ordered, batch: Batch): CarriedOut {
    if (shown === null) throw new StepFailure('refused', 'proof')
    requireThawed(state)
    const { sources, unreceived } = receive(state.sources, shown, batch.timeMs)
    const noted = { ...state, sources }
    if (unreceived !== null) {
      return { outcome: 'refused', value: unreceived, stepped: { ...SILENT, state: noted } }
    }
    try {
      const scope = this.scope(batch, index, `${shown.from}#${INCARNATION}`, null)
      return carriedOut(this.#step(noted, this.#admitted(shown.event), scope, batch, index))
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error
      this.#failed(error)
      return { outcome: error.outcome, value: error.word, stepped: { ...SILENT, state: noted } }
    }
  }

  /** The application of the peer that signed. */
  #senderOf(client: Uint8Array): string {
    const key = toHex(client)
    const known = this.#senders.get(key) ?? `brume://${peerIdFromKey(client)}/~client`
    if (this.#senders.size >= SENDERS_MAX) this.#senders.clear()
    this.#senders.set(key, known)
    return known
  }

  #fire(state: State, timer: Timer, batch: Batch, place: number): Stepped {
    const timers = new Map(state.timers)
    timers.delete(timer.id)
    const left = this.#sealed(state, { ...state, timers })
    const nothing: Stepped = { ...SILENT, state: left }
    if (timer.to !== null) return { ...nothing, sends: [{ to: timer.to, event: timer.event }] }
    try {
      const index = TIMER_INDEX + place
      return this.#step(left, timer.event, this.scope(batch, index, null, null), batch, index)
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error
      this.#failed(error)
      return nothing
    }
  }

  /** @throws StepFailure for what fails a check of the boundary or the module's schema */
  #admitted(value: Json): Event {
    const event = readEvent(value)
    if (typeof event === 'string') throw new StepFailure('refused', event)
    // What was decoded here is plain; only what a schema makes of it need not be.
    if (!this.inside.hasSchema) return event
    try {
      return clone(this.inside.check(event)) as Event
    } catch (cause) {
      if (isExhausted(cause)) throw exhausted(cause)
      throw new StepFailure('refused', 'schema', { cause })
    }
  }

  #step(state: State, event: Event, scope: Scope, batch: Batch, index: number): Stepped {
    if (state.inner === null || this.inside.view(state.inner).status !== 'active') return { ...SILENT, state }
    const { state: inner, effects } = guarded(() => this.inside.step(state.inner, event, scope))
    const isSame = inner === state.inner && effects.length === 0
    if (isSame) return { ...SILENT, state, handled: guarded(() => this.inside.takes(inner, event, scope)) }
    return this.#settled(state, inner, effects, batch, { index, ask: scope.ask })
  }

  #settled(before: State, inner: unknown, effects: readonly Effect[], batch: Batch, place: Place): Stepped {
    const { timers, ...wishes } = wishesOf(before, effects, batch, place)
    return { ...wishes, state: this.#sealed(before, { ...before, inner, timers }), handled: true }
  }

  #sealed(before: State, next: Omit<State, 'items'>): State {
    return unfit(() => seal(this.inside, before, next))
  }

  #select(state: State, name: string, args: Json): Json {
    if (state.inner === null) throw new StepFailure('threw', 'threw')
    if (!this.inside.selectors.includes(name) && !this.inside.queries.includes(name)) {
      throw new StepFailure('refused', 'selector')
    }
    return fitting(
      guarded(() => this.inside.select(state.inner, name, args)),
      'selector'
    )
  }
}

/** Those of a frozen state are its successor's. */
function dueOf({ frozen, timers }: State, timeMs: number): readonly Timer[] {
  return frozen ? [] : [...timers.values()].filter(({ dueMs }) => dueMs <= timeMs).sort(byDue)
}

function requireThawed({ frozen, successor }: State): void {
  if (frozen) throw new StepFailure('moved', successor ?? 'moved')
}

function carriedOut(stepped: Stepped): CarriedOut {
  return { outcome: stepped.handled ? 'ok' : 'unhandled', value: stepped.reply, stepped }
}

function isGroupAddress(address: string): boolean {
  try {
    const { group, incarnation } = parseAddress(address)
    return group !== null && incarnation === null
  } catch {
    return false
  }
}
