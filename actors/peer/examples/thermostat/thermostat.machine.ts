import { assign, setup } from 'xstate'

/** Heats for a while when it is cold, then rests. Its timers are on the disk: they do not begin anew with the peer. */
export default setup({
  types: {} as {
    context: { heated: number }
    events: { type: 'measured'; celsius: number }
    tags: 'on'
  },
  delays: { heating: 1_500 }
}).createMachine({
  id: 'thermostat',
  context: { heated: 0 },
  initial: 'resting',
  states: {
    resting: { on: { measured: { guard: ({ event }) => event.celsius < 19, target: 'heating' } } },
    heating: {
      tags: 'on',
      after: { heating: { target: 'resting', actions: assign({ heated: ({ context }) => context.heated + 1 }) } }
    }
  }
})
