import { assign, fromPromise, setup } from 'xstate'

/** Whoever moves the money. A promise is an effect: it is on disk before it starts, and starts again after a crash. */
const charge = fromPromise<string, { card: string }>(async ({ input }) => {
  if (input.card === 'empty') throw new Error('declined')
  return `receipt for ${input.card}`
})

/** Holds goods, takes the money, and gives the goods back where there is none: refused, or not there in time. */
export default setup({
  types: {} as {
    context: { item: string; card: string; why: string }
    input: { item: string }
    events: { type: 'pay'; card: string }
    tags: 'over'
  },
  actors: { charge },
  // What they do is said at `register`.
  actions: { hold: (_, _params: { item: string }) => {}, giveBack: (_, _params: { item: string }) => {} },
  delays: { reservation: 2_000 }
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ item: input.item, card: '', why: '' }),
  initial: 'held',
  states: {
    held: {
      entry: { type: 'hold', params: ({ context }) => ({ item: context.item }) },
      on: { pay: { target: 'charging', actions: assign({ card: ({ event }) => event.card }) } },
      after: { reservation: { target: 'undone', actions: assign({ why: 'nobody paid' }) } }
    },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context }) => ({ card: context.card }),
        onDone: 'paid',
        onError: { target: 'undone', actions: assign({ why: 'declined' }) }
      }
    },
    paid: { tags: 'over' },
    undone: { tags: 'over', entry: { type: 'giveBack', params: ({ context }) => ({ item: context.item }) } }
  }
})
