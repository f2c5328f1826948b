import type { Effect, Event, Json } from '../logic/port.ts'
import { clone } from './clone.ts'
import { fitting, StepFailure, unfit } from './failure.ts'
import type { Batch, Outgoing } from './port.ts'
import type { State, Timer } from './state.ts'

/** Each is one leaf that members prove; a send is besides one message that they deliver. */
const SENDS_PER_COMMAND_MAX = 16
const EMITTED_PER_COMMAND_MAX = 16

const TIMERS_MAX = 1_024
const TIMER_ID_BYTES_MAX = 512

/** Of a step in its block. */
export interface Place {
  readonly index: number
  readonly ask: string | null
}

/** What a step wants done, as far as a replicated machine may want it. */
export interface Wishes {
  readonly timers: State['timers']
  readonly sends: readonly Pick<Outgoing, 'to' | 'event'>[]
  readonly emitted: readonly Event[]
  readonly reply: Json
}

/** @throws StepFailure `unfit` for what members cannot do alike */
export function wishesOf(before: State, effects: readonly Effect[], { timeMs, height }: Batch, place: Place): Wishes {
  const timers = new Map(before.timers)
  const sends: Pick<Outgoing, 'to' | 'event'>[] = []
  const emitted: Event[] = []
  const replies: Json[] = []
  for (const effect of effects) {
    if (effect.kind === 'send' && effect.delayMs === undefined) sends.push(sendOf(effect))
    else if (effect.kind === 'send' || effect.kind === 'timer') {
      // What nothing can cancel has a name all the same, equal on all members and no machine's own.
      const nameless = `~${height}/${place.index}/${effects.indexOf(effect)}`
      arm(timers, timerOf(effect, effect.id ?? nameless, timeMs))
    } else if (effect.kind === 'cancel') timers.delete(effect.id)
    else if (effect.kind === 'reply' && effect.token === place.ask) replies.push(fitting(effect.value, 'reply'))
    else if (effect.kind === 'emit') emitted.push(fitting(effect.event, 'emit') as Event)
    else if (!['reply', 'log'].includes(effect.kind)) throw new StepFailure('unfit', effect.kind)
  }
  if (sends.length > SENDS_PER_COMMAND_MAX) throw new StepFailure('unfit', 'sends')
  if (emitted.length > EMITTED_PER_COMMAND_MAX) throw new StepFailure('unfit', 'emit')
  const isSame = timers.size === 0 && before.timers.size === 0
  return { timers: isSame ? before.timers : timers, sends, emitted, reply: replies[0] ?? null }
}

function sendOf({ to, event }: Effect & { readonly kind: 'send' }): Pick<Outgoing, 'to' | 'event'> {
  if (!to.startsWith('brume://')) throw new StepFailure('unfit', 'address')
  fitting([to, event], 'sends')
  return { to, event: unfit(() => clone(event)) as Event }
}

function timerOf(effect: Effect & { readonly kind: 'send' | 'timer' }, id: string, timeMs: number): Timer {
  const { event, delayMs = 0 } = effect
  const target = effect.kind === 'send' ? sendOf(effect).to : null
  return soundTimer({ id, dueMs: timeMs + Math.max(0, delayMs), event, to: target })
}

/** @throws StepFailure `unfit` */
function soundTimer({ id, dueMs, event, to }: Timer): Timer {
  if (!Number.isSafeInteger(dueMs)) throw new StepFailure('unfit', 'delay')
  if (Buffer.byteLength(id) > TIMER_ID_BYTES_MAX) throw new StepFailure('unfit', 'timer')
  return { id, dueMs, event: unfit(() => clone(event)) as Event, to }
}

function arm(timers: Map<string, Timer>, timer: Timer): void {
  timers.set(timer.id, timer)
  if (timers.size > TIMERS_MAX) throw new StepFailure('unfit', 'timers')
}

/** Timers that did not come from a step of this machine. @throws StepFailure `unfit` */
export function soundTimers(timers: Iterable<Timer>): ReadonlyMap<string, Timer> {
  const sound = new Map<string, Timer>()
  for (const timer of timers) arm(sound, soundTimer(timer))
  return sound
}
