import { reply, sender } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'

interface Parties {
  /** Peer ids. */
  buyer: string
  seller: string
  arbiter: string
}

/** Is this event of that party's peer? The group has checked the signature. */
const isOf = (party: string): boolean => sender() === `brume://${party}/~client`

/** Holds a price until the buyer has the goods, or the arbiter says who is right. No party runs it alone. */
export default setup({
  types: {} as {
    context: Parties & { held: number; paidTo: string }
    input: Parties
    events: { type: 'pay'; amount: number } | { type: 'ship' } | { type: 'accept' } | { type: 'refund' }
  },
  guards: {
    buyer: ({ context }) => isOf(context.buyer),
    seller: ({ context }) => isOf(context.seller),
    arbiter: ({ context }) => isOf(context.arbiter)
  }
}).createMachine({
  id: 'escrow',
  context: ({ input }) => ({ ...input, held: 0, paidTo: '' }),
  initial: 'open',
  states: {
    open: {
      on: {
        pay: {
          guard: 'buyer',
          target: 'paid',
          actions: [assign({ held: ({ event }) => event.amount }), reply(({ context }) => `${context.held} held`)]
        }
      }
    },
    paid: { on: { ship: { guard: 'seller', target: 'shipped', actions: reply(() => 'on its way') } } },
    shipped: {
      on: {
        accept: { guard: 'buyer', target: 'over', actions: [assign({ paidTo: 'seller' }), reply(() => 'paid out')] },
        refund: { guard: 'arbiter', target: 'over', actions: [assign({ paidTo: 'buyer' }), reply(() => 'paid back')] }
      }
    },
    over: { type: 'final' }
  }
})
