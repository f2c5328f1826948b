import type { ActionArgs, ActionFunction, EventObject, MachineContext, ParameterizedObject } from 'xstate'
import { step } from './envelope.ts'

type Params = ParameterizedObject['params'] | undefined

/** An action that XState runs within the step, as it does its own: `resolve` in place of the function. */
type Action<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject> = ActionFunction<
  C,
  X,
  E,
  P,
  never,
  never,
  never,
  never,
  never
>

type Value<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject> = (
  args: ActionArgs<C, X, E>,
  params: P
) => unknown

/** What these actions hand to whoever steps the machine. */
export interface ReplyParams {
  /** Null: nobody asked. */
  readonly token: string | null
  readonly value: unknown
}

export interface ReminderParams {
  readonly id: string
  readonly everyMs: number
}

export interface WatchParams {
  readonly target: string
}

export const REPLY = 'brume.reply'
export const REMINDER = 'brume.reminder'
export const WATCH = 'brume.watch'
export const UNWATCH = 'brume.unwatch'

/**
 * Answers the ask that is being processed with what `value` gives for the context of that moment; nothing happens
 * where the event was told and not asked. Also in raised events and `always`.
 */
export function reply<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  value: Value<C, X, P, E>
): Action<C, X, P, E> {
  return builtin(REPLY, (args: ActionArgs<C, X, E>, params: P): ReplyParams => {
    return { token: step('reply').ask, value: value(args, params) }
  })
}

/**
 * Answers an ask of an earlier step, by what `askToken` gave there. A token that was answered, or whose ask has ended
 * or was a replicated actor's, is ignored.
 */
export function replyTo<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  token: (args: ActionArgs<C, X, E>, params: P) => string | null,
  value: Value<C, X, P, E>
): Action<C, X, P, E> {
  return builtin(REPLY, (args: ActionArgs<C, X, E>, params: P): ReplyParams => {
    return { token: token(args, params), value: value(args, params) }
  })
}

/** The event that a reminder sends. */
export interface Reminder<Id extends string = string> {
  readonly type: `brume.reminder.${Id}`
  readonly id: Id
  readonly everyMs: number
}

/**
 * From now on the machine gets a `brume.reminder.<id>` every so many milliseconds, through restarts too, until
 * `cancel(id)`. The next one is armed in the step that handles the last, so none piles up.
 */
export function reminder<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  id: string,
  { every }: { readonly every: number }
): Action<C, X, P, E> {
  return builtin(REMINDER, (): ReminderParams => ({ id, everyMs: every }))
}

type Target<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject> =
  | string
  | ((args: ActionArgs<C, X, E>, params: P) => string)

/** What a watch sends, once for each incarnation that ends. */
export interface Down {
  readonly type: 'brume.down'
  readonly address: string
  /** `done`, `error`, `stopped`, `restarted`, `moved`, `unreachable`, `stale` or `noactor`. */
  readonly reason: string
  readonly incarnation: number
  readonly output?: unknown
}

function aimedAt<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  target: Target<C, X, P, E>
): (args: ActionArgs<C, X, E>, params: P) => WatchParams {
  return (args, params) => ({ target: typeof target === 'function' ? target(args, params) : target })
}

/** From now on the machine gets a `brume.down` when an actor at this address ends or cannot be reached. */
export function watch<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  target: Target<C, X, P, E>
): Action<C, X, P, E> {
  return builtin(WATCH, aimedAt(target))
}

/** Ends a watch. */
export function unwatch<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  target: Target<C, X, P, E>
): Action<C, X, P, E> {
  return builtin(UNWATCH, aimedAt(target))
}

function builtin<C extends MachineContext, X extends EventObject, P extends Params, E extends EventObject>(
  type: string,
  toParams: (args: ActionArgs<C, X, E>, params: P) => ReplyParams | ReminderParams | WatchParams
): Action<C, X, P, E> {
  const action = () => {}
  action.type = type
  action.toParams = toParams
  action.resolve = (_: unknown, snapshot: unknown, args: ActionArgs<C, X, E>, params: P) => {
    return [snapshot, toParams(args, params), undefined]
  }
  // XState hands those with `execute` to the executor, which here records and never calls it.
  action.execute = () => {}
  return action
}
