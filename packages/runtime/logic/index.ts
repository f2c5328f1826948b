/**
 * What a machine may import: it runs in any realm, beside any copy of XState, and needs nothing of Node.
 */
export { type Reminder, reminder, reply, replyTo } from './actions.ts'
export { askToken, type Dice, now, rng, sender } from './envelope.ts'
export { remote } from './remote.ts'
