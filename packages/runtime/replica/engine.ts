import { encode, toHex, Writer } from '@brume/codec'
import { DOMAIN, hash, peerIdFromKey } from '@brume/crypto'
import type { Effect, Event, Json, Scope } from '../logic/port.ts'
import { CloneError, clone } from './clone.ts'
import { decodeCommand, readEvent } from './commands.ts'
import { ReplicaError } from './errors.ts'
import type { Inside } from './inside-port.ts'
import { ANSWER_VALUE_BYTES_MAX, type OutcomeName } from './leaves.ts'
import type { Assignment, Batch, Ordered, Outcome, Outgoing } from './port.ts'
import { messageOf } from './realm.ts'
import { byDue, finish, isExhausted, NOTHING, type State, seal, type Timer } from './state.ts'

/** Each is one leaf that members prove and one message that they deliver. */
const SENDS_PER_COMMAND_MAX = 16

/** Of sequence numbers of a group, `height x 2^14 + place`: the rest of a block's sends is refused. */
const SENDS_PER_BLOCK_MAX = 16_384

const TIMERS_MAX = 1_024

/** Whose last send is remembered, so that the next one can name it: to others, one that is missing goes unnoticed. */
const TARGETS_MAX = 256
/** Clients whose addresses are remembered: making one costs 50 µs. */
const SENDERS_MAX = 1_024
const TIMER_ID_BYTES_MAX = 512
/** What is told of a timer's place in `random`, apart from every place in a payload. */
const TIMER_INDEX = 0x8000_0000

/** One block's work on a state. */
export interface Result {
  readonly state: State
  readonly outcomes: readonly Outcome[]
  readonly sends: readonly Outgoing[]
  readonly fired: number
}

/** Of a step in its block. */
interface Place {
  readonly index: number
  readonly ask: string | null
}

/** Why a step came to nothing; equal on all members. */
class StepFailure extends Error {
  override readonly name = 'StepFailure'
  readonly outcome: OutcomeName
  readonly word: string

  constructor(outcome: OutcomeName, word: string, options?: ErrorOptions) {
    super(word, options)
    this.outcome = outcome
    this.word = word
  }
}

interface Stepped {
  readonly state: State
  readonly sends: readonly Pick<Outgoing, 'to' | 'event'>[]
  readonly reply: Json
  readonly handled: boolean
}

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
    const outcomes: Outcome[] = []
    let state = parent ?? this.start(batch)
    const take = ({ state: next, sends: sent }: Stepped): void => {
      state = sent.length === 0 ? next : { ...next, sent: this.#numbered(next.sent, sent, batch, sends) }
    }
    const due = [...state.timers.values()].filter(({ dueMs }) => dueMs <= batch.timeMs).sort(byDue)
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
    const sealed = state.sent === parent?.sent ? state : seal(this.inside, state, state)
    return { state: finish(this.inside, parent ?? NOTHING, sealed), outcomes, sends, fired: due.length }
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
    try {
      const { state: inner, effects } = this.#guarded(() => this.inside.init(this.#assignment.input, scope))
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
    const random = stream(batch, index)
    return { address: this.#assignment.address, parent: null, nowMs: batch.timeMs, sender, ask, random }
  }

  #carryOut(
    state: State,
    { id, body, client, index }: Ordered,
    batch: Batch
  ): { readonly outcome: OutcomeName; readonly value: Json; readonly stepped: Stepped | null } {
    const command = decodeCommand(body)
    switch (command.kind) {
      case 'noop':
        return { outcome: 'ok', value: null, stepped: null }
      case 'query':
        return { outcome: 'ok', value: this.#select(state, command.name, command.args), stepped: null }
      case 'freeze': {
        if (!this.#assignment.admins.includes(toHex(client))) throw new StepFailure('refused', 'forbidden')
        const frozen = this.#sealed(state, { ...state, frozen: true })
        return { outcome: 'ok', value: null, stepped: { state: frozen, sends: [], reply: null, handled: true } }
      }
      case 'event': {
        if (state.frozen) throw new StepFailure('moved', 'moved')
        const event = this.#admitted(command.event)
        const scope = this.scope(batch, index, this.#senderOf(client), id)
        const stepped = this.#step(state, event, scope, batch, index)
        return { outcome: stepped.handled ? 'ok' : 'unhandled', value: stepped.reply, stepped }
      }
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
    const nothing: Stepped = { state: left, sends: [], reply: null, handled: false }
    if (left.frozen) return nothing
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
    if (state.inner === null || this.inside.view(state.inner).status !== 'active') {
      return { state, sends: [], reply: null, handled: false }
    }
    const { state: inner, effects } = this.#guarded(() => this.inside.step(state.inner, event, scope))
    const isSame = inner === state.inner && effects.length === 0
    if (isSame)
      return { state, sends: [], reply: null, handled: this.#guarded(() => this.inside.takes(inner, event, scope)) }
    return this.#settled(state, inner, effects, batch, { index, ask: scope.ask })
  }

  #settled(before: State, inner: unknown, effects: readonly Effect[], batch: Batch, place: Place): Stepped {
    const { timers, sends, reply } = this.#outcomeOf(before, effects, batch, place)
    const state = this.#sealed(before, { ...before, inner, timers })
    return { state, sends, reply, handled: true }
  }

  #outcomeOf(before: State, effects: readonly Effect[], { timeMs, height }: Batch, { index, ask }: Place) {
    const timers = new Map(before.timers)
    const sends: Pick<Outgoing, 'to' | 'event'>[] = []
    const replies: Json[] = []
    for (const effect of effects) {
      if (effect.kind === 'send' && effect.delayMs === undefined) sends.push(sendOf(effect))
      else if (effect.kind === 'send' || effect.kind === 'timer') {
        // What nothing can cancel has a name all the same, equal on all members and no machine's own.
        const nameless = `~${height}/${index}/${effects.indexOf(effect)}`
        arm(timers, timerOf(effect, effect.id ?? nameless, timeMs))
      } else if (effect.kind === 'cancel') timers.delete(effect.id)
      else if (effect.kind === 'reply' && effect.token === ask) replies.push(fitting(effect.value, 'reply'))
      else if (!['reply', 'emit', 'log'].includes(effect.kind)) throw new StepFailure('unfit', effect.kind)
    }
    if (sends.length > SENDS_PER_COMMAND_MAX) throw new StepFailure('unfit', 'sends')
    const isSame = timers.size === 0 && before.timers.size === 0
    return { timers: isSame ? before.timers : timers, sends, reply: replies[0] ?? null }
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
      this.#guarded(() => this.inside.select(state.inner, name, args)),
      'selector'
    )
  }

  /** What the machine throws is an outcome; what only this process lacks is not. */
  #guarded<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw failureOf(error)
    }
  }
}

function failureOf(error: unknown): Error {
  if (isExhausted(error)) return exhausted(error)
  if (/^Infinite loop detected/.test(messageOf(error))) return new StepFailure('iterations', 'iterations')
  return isUnfit(error)
    ? new StepFailure('unfit', 'plain', { cause: error })
    : new StepFailure('threw', 'threw', { cause: error })
}

/** What the adapter found in context, events or params; its class may be of another realm. */
function isUnfit(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'BRUME_RUNTIME_NOT_PLAIN'
}

function exhausted(cause: unknown): ReplicaError {
  return new ReplicaError('BRUME_RUNTIME_EXHAUSTED', `a step ended this process's means: ${messageOf(cause)}`, {
    cause
  })
}

function unfit<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof CloneError) throw new StepFailure('unfit', cause.fault, { cause })
    throw cause
  }
}

function fitting(value: unknown, what: string): Json {
  const copied = unfit(() => clone(value ?? null))
  if (encode(copied).length > ANSWER_VALUE_BYTES_MAX) throw new StepFailure('unfit', what)
  return copied
}

function sendOf({ to, event }: Effect & { readonly kind: 'send' }): Pick<Outgoing, 'to' | 'event'> {
  if (!to.startsWith('brume://')) throw new StepFailure('unfit', 'address')
  fitting([to, event], 'sends')
  return { to, event: unfit(() => clone(event)) as Event }
}

function timerOf(effect: Effect & { readonly kind: 'send' | 'timer' }, id: string, timeMs: number): Timer {
  const { event, delayMs = 0 } = effect
  const target = effect.kind === 'send' ? sendOf(effect).to : null
  const dueMs = timeMs + Math.max(0, delayMs)
  if (!Number.isSafeInteger(dueMs)) throw new StepFailure('unfit', 'delay')
  if (Buffer.byteLength(id) > TIMER_ID_BYTES_MAX) throw new StepFailure('unfit', 'timer')
  return { id, dueMs, event: unfit(() => clone(event)) as Event, to: target }
}

function arm(timers: Map<string, Timer>, timer: Timer): void {
  timers.set(timer.id, timer)
  if (timers.size > TIMERS_MAX) throw new StepFailure('unfit', 'timers')
}

/** SHA-256 in counter mode under `brume/actor-rng/1`, over `seed 32 ‖ height u64 ‖ index u32 ‖ counter u32`. */
function stream({ seed, height }: Batch, index: number): Scope['random'] {
  let [counter, at, block] = [0, 32, new Uint8Array(32)]
  return (length) => {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      if (at === 32) {
        const place = new Writer(48).bytes(seed).u64(height).u32(index).u32(counter).finish()
        block = new Uint8Array(hash(DOMAIN.actorRng, place))
        counter += 1
        at = 0
      }
      out[i] = block[at] ?? 0
      at += 1
    }
    return out
  }
}
