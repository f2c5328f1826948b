import { remote, reply } from '@brume/runtime/logic'
import { assign, sendTo, setup } from 'xstate'

/** Adds up, answers with the sum, and tells an actor outside of the group each sum, once. */
export default setup({
  types: {} as { context: { n: number; ear: string }; events: { type: 'add'; by: number }; input: { ear: string } }
}).createMachine({
  id: 'teller',
  context: ({ input }) => ({ n: 0, ear: input.ear }),
  on: {
    add: {
      actions: [
        assign({ n: ({ context, event }) => context.n + event.by }),
        reply(({ context }) => context.n),
        sendTo(
          ({ context }) => remote(context.ear),
          ({ context }) => ({ type: 'told', n: context.n })
        )
      ]
    }
  }
})
