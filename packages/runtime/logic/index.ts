/**
 * What a machine may import: it runs in any realm, beside any copy of XState, and needs nothing of Node.
 */
export { type Down, type Reminder, reminder, reply, replyTo, unwatch, watch } from './actions.ts'
export { askToken, type Dice, now, rng, sender } from './envelope.ts'
export type { ActorLogic, Child, Effect, Event, Json, Persisted, Scope, Status, Step, View } from './port.ts'
export { type Reducer, reducer } from './reducer.ts'
export { remote } from './remote.ts'
