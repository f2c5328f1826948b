import { reply } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'

export default setup({ types: {} as { context: { n: number }; events: { type: 'add'; by: number } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: {
    add: { actions: [assign({ n: ({ context, event }) => context.n + event.by }), reply(({ context }) => context.n)] }
  }
})
