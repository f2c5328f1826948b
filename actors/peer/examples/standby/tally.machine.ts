import { reply } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'

export default setup({ types: {} as { context: { n: number }; events: { type: 'count' } } }).createMachine({
  context: { n: 0 },
  on: { count: { actions: [assign({ n: ({ context }) => context.n + 1 }), reply(({ context }) => context.n)] } }
})
