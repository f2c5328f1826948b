import { reply } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'

/** Who has how much. Nobody gives what he has not. */
export default setup({
  types: {} as {
    context: { accounts: Record<string, number> }
    input: Record<string, number>
    events: { type: 'give'; from: string; to: string; amount: number }
  },
  guards: {
    has: ({ context, event }) => event.amount > 0 && (context.accounts[event.from] ?? 0) >= event.amount
  }
}).createMachine({
  id: 'ledger',
  context: ({ input }) => ({ accounts: input }),
  on: {
    give: [
      {
        guard: 'has',
        actions: [
          assign({
            accounts: ({ context: { accounts }, event: { from, to, amount } }) => ({
              ...accounts,
              [from]: (accounts[from] ?? 0) - amount,
              [to]: (accounts[to] ?? 0) + amount
            })
          }),
          reply(({ context, event }) => `${event.from} has ${context.accounts[event.from]} left`)
        ]
      },
      { actions: reply(({ event }) => `${event.from} has not that much`) }
    ]
  }
})
