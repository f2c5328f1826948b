import { remote, reply } from '@brume/runtime/logic'
import { assign, sendTo, setup } from 'xstate'

/** Counts, says how far it is, and tells it to an actor elsewhere: whoever holds it, that one hears each number once. */
export default setup({
  types: {} as { context: { n: number; to: string }; events: { type: 'count' }; input: { to: string } }
}).createMachine({
  context: ({ input }) => ({ n: 0, to: input.to }),
  on: {
    count: {
      actions: [
        assign({ n: ({ context }) => context.n + 1 }),
        sendTo(
          ({ context }) => remote(context.to),
          ({ context }) => ({ type: 'told', n: context.n })
        ),
        reply(({ context }) => context.n)
      ]
    }
  }
})
