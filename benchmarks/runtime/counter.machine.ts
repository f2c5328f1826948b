import { reply } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'

/** What is measured everywhere here: one context field, one guardless transition; `get` is answered. */
export default setup({
  types: {} as { context: { n: number }; events: { type: 'add'; by: number } | { type: 'get' } }
}).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: {
    add: { actions: assign({ n: ({ context, event }) => context.n + event.by }) },
    get: { actions: reply(({ context }) => context.n) }
  }
})
