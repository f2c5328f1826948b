import { assign, setup } from 'xstate'

/** Keeps what it was told, in the order in which it came. */
export default setup({
  types: {} as { context: { told: readonly number[] }; events: { type: 'told'; n: number } }
}).createMachine({
  context: { told: [] },
  on: { told: { actions: assign({ told: ({ context, event }) => [...context.told, event.n] }) } }
})
