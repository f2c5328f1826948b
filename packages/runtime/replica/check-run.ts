import { encode, Reader, Writer } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Event, Json } from '../logic/port.ts'
import type { Bundle } from './bundle.ts'
import { CloneError } from './clone.ts'
import { encodeCommand } from './commands.ts'
import { Engine, type Result } from './engine.ts'
import type { Finding } from './errors.ts'
import type { Inside } from './inside-port.ts'
import type { Assignment, Batch } from './port.ts'
import { messageOf, realmsOf } from './realm.ts'
import { isExhausted, leavesOf, restoreState, type State } from './state.ts'

const SEQUENCES = 64
const EVENTS = 50

export interface CheckInput {
  readonly code: Bundle['code']
  /** Payloads by type of event, without `type`. */
  readonly samples: Samples
  readonly input: Json
}

export type Samples = Readonly<Record<string, readonly { readonly [field: string]: Json }[]>>

/** What the check has learnt of a machine in passing. */
export interface Surface {
  readonly events: readonly string[]
  readonly selectors: readonly string[]
  readonly queries: readonly string[]
}

const ASSIGNMENT = { address: 'brume://group/check/check#1', legacy: null, admins: [] }
const CLIENT = new Uint8Array(32)

/**
 * Runs random sequences of events thrice, straight and restored before each event in one realm, and straight in a
 * fresh one each: members differ in exactly that. Takes 5 to 20 µs of realm and 64 new realms of some ms.
 */
export function runCheck({ code, samples, input }: CheckInput): Finding | Surface {
  const failures: unknown[] = []
  const assignment: Assignment = { ...ASSIGNMENT, input }
  const realm = realmsOf({ code })
  const open = () => new Engine(realm(), assignment, (error) => failures.push(error))
  const shared = open()
  const [forbidden] = shared.inside.forbidden
  if (forbidden !== undefined) return { cause: 'effect', state: '', event: '', path: forbidden }
  const { events, selectors, queries } = shared.inside
  const menu = menuOf(events, samples)
  for (let number = 0; number < SEQUENCES; number++) {
    const finding = new Sequence(number, shared, open(), menu, failures).run()
    if (finding !== null) return finding
  }
  return { events, selectors, queries }
}

/** Types without samples are sent without payload. */
function menuOf(events: readonly string[], samples: Samples): readonly Event[] {
  const types = new Set([...events, ...Object.keys(samples)])
  return [...types].sort().flatMap((type) => (samples[type] ?? [{}]).map((fields) => ({ ...fields, type })))
}

interface Lane {
  readonly engine: Engine
  state: State | null
}

class Sequence {
  readonly #straight: Lane
  readonly #restored: Lane
  readonly #fresh: Lane
  readonly #menu: readonly Event[]
  readonly #failures: unknown[]
  readonly #dice: Reader
  readonly #number: number
  #timeMs = 1_700_000_000_000
  #last: Event = { type: '' }

  constructor(number: number, shared: Engine, fresh: Engine, menu: readonly Event[], failures: unknown[]) {
    this.#number = number
    this.#straight = { engine: shared, state: null }
    this.#restored = { engine: shared, state: null }
    this.#fresh = { engine: fresh, state: null }
    this.#menu = menu
    this.#failures = failures
    this.#dice = diceOf(number)
  }

  run(): Finding | null {
    for (let height = 1; height <= EVENTS; height++) {
      const finding = this.#block(height)
      if (finding !== null) return finding
    }
    return null
  }

  #block(height: number): Finding | null {
    const batch = this.#draw(height)
    const before = stateText(this.#straight)
    const found = (cause: string, path: string): Finding => ({ cause, state: before, event: this.#last.type, path })
    try {
      const straight = this.#step(this.#straight, batch)
      const fault = this.#fault(straight.state)
      if (fault !== null) return found(fault.cause, fault.path)
      const selected = selectionFault(this.#straight)
      if (selected !== null) return found('selector', selected)
      this.#reload(batch)
      const restored = differenceOf(straight, this.#step(this.#restored, batch))
      if (restored !== null) return found('restored', restored)
      const fresh = differenceOf(straight, this.#step(this.#fresh, batch))
      return fresh === null ? null : found('realm', fresh)
    } catch (error) {
      return found(
        isExhausted(error) || /ended this process/.test(messageOf(error)) ? 'exhausted' : 'restore',
        messageOf(error)
      )
    }
  }

  #step(lane: Lane, batch: Batch): Result {
    const result = lane.engine.run(lane.state, batch)
    lane.state = result.state
    return result
  }

  #reload(batch: Batch): void {
    const { engine, state } = this.#restored
    if (state === null) return
    this.#restored.state = restoreState(engine.inside, leavesOf(state), engine.scope(batch, 0, null, null))
  }

  /** Mostly an event some ms later; at times that is when a timer is due. */
  #draw(height: number): Batch {
    const [which, wait, jump] = [this.#dice.u16(), this.#dice.u8(), this.#dice.u8()]
    const due = [...(this.#straight.state?.timers.values() ?? [])].map(({ dueMs }) => dueMs)
    this.#timeMs = jump < 64 && due.length > 0 ? Math.max(this.#timeMs, Math.min(...due)) : this.#timeMs + wait
    this.#last = this.#menu[which % Math.max(1, this.#menu.length)] ?? { type: '' }
    const id = new Writer(32).bytes(new Uint8Array(24)).u32(this.#number).u32(height).finish()
    const body = encodeCommand(this.#menu.length === 0 ? { kind: 'noop' } : { kind: 'event', event: this.#last })
    const command = { id: Buffer.from(id).toString('hex'), client: CLIENT, index: 0, body }
    return { height, timeMs: this.#timeMs, seed: sha256(Uint8Array.of(this.#number)), commands: [command] }
  }

  /** Of what failed in the straight run: what a machine may not do anywhere. */
  #fault({ inner }: State): Fault | null {
    const failures = this.#failures.splice(0)
    const [first] = failures
    for (const failure of failures) {
      const fault = causeOf(failure)
      if (fault !== null) return fault
    }
    return inner === null && first !== undefined ? { cause: 'start', path: reasonOf(first) } : null
  }
}

interface Fault {
  readonly cause: string
  readonly path: string
}

function reasonOf(failure: unknown): string {
  const { cause } = failure as { readonly cause?: unknown }
  return messageOf(cause ?? failure)
}

/** An ordinary throw is an outcome like any other; these are not. */
function causeOf(failure: unknown): Fault | null {
  const { outcome, word, cause } = failure as { outcome: string; word: string; cause?: unknown }
  const message = reasonOf(failure)
  // A sample that its own schema refuses tries nothing.
  if (outcome === 'refused') return { cause: 'sample', path: message }
  if (cause instanceof CloneError) return { cause: cause.fault, path: cause.path }
  if (outcome === 'iterations') return { cause: 'iterations', path: '' }
  if (outcome === 'unfit')
    return { cause: word === 'spawn' || word === 'inline' || word === 'run' ? 'effect' : word, path: message }
  if (message.includes('BRUME_RUNTIME_NONDETERMINISTIC')) return { cause: 'ambient', path: message }
  const [name, code] = ['name', 'code'].map((key) => (isObject(cause) ? String(Reflect.get(cause, key)) : ''))
  if (code?.startsWith('BRUME_RUNTIME_CHILD_')) return { cause: 'effect', path: message }
  if (name === 'ReferenceError' || name === 'EvalError') return { cause: 'ambient', path: message }
  if (name === 'TypeError' && /read only|not extensible|Cannot (delete|define|add|assign)/.test(message)) {
    return { cause: 'mutation', path: message }
  }
  return null
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Selectors are asked by clients, so what they throw is no step's failure. */
function selectionFault({ engine: { inside }, state }: Lane): string | null {
  if (state === null || state.inner === null) return null
  for (const name of inside.selectors) {
    const error = attempt(inside, state.inner, name)
    if (error !== null) return `${name}: ${messageOf(error)}`
  }
  return null
}

function attempt(inside: Inside, inner: unknown, name: string): unknown {
  try {
    encode(inside.select(inner, name, null))
    return null
  } catch (error) {
    return error
  }
}

/** The first leaf, or the part of the outcome, in which two runs differ. */
function differenceOf(one: Result, other: Result): string | null {
  const leaves = new Map(leavesOf(other.state))
  const own = leavesOf(one.state)
  for (const [path, bytes] of own) {
    if (Buffer.compare(bytes, leaves.get(path) ?? new Uint8Array()) !== 0) return path
  }
  if (own.length !== leaves.size) return 'leaves'
  const said = ({ outcomes, sends }: Result) =>
    encode([outcomes.map(({ outcome, value }) => [outcome, value]), sends.map(({ to, event }) => [to, event])])
  return Buffer.compare(said(one), said(other)) === 0 ? null : 'outcome'
}

function stateText({ state, engine }: Lane): string {
  if (state === null || state.inner === null) return ''
  return JSON.stringify(engine.inside.view(state.inner).value)
}

/** The same every time: a machine that passes here passes everywhere. */
function diceOf(number: number): Reader {
  const bytes = Array.from({ length: EVENTS }, (_, i) => sha256(Uint8Array.of(number, i)).subarray(0, 4))
  return new Reader(new Uint8Array(Buffer.concat(bytes)))
}
