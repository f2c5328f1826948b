import { remote } from '@brume/runtime/logic'
import { assign, enqueueActions, setup } from 'xstate'

type Told = { type: 'heard'; item: string } | { type: 'gone'; item: string }

/** One home's list. What is added here is told to the other homes; they keep lists of their own. */
export default setup({
  types: {} as {
    context: { items: string[]; homes: string[] }
    events: { type: 'meet'; homes: string[] } | { type: 'want'; item: string } | { type: 'bought'; item: string } | Told
  },
  actions: {
    add: assign({ items: ({ context, event }) => ('item' in event ? [...context.items, event.item] : context.items) }),
    remove: assign({
      items: ({ context, event }) => context.items.filter((item) => !('item' in event) || item !== event.item)
    }),
    tellAll: enqueueActions(({ context, enqueue }, told: Told) => {
      for (const home of context.homes) enqueue.sendTo(() => remote(home), told)
    })
  }
}).createMachine({
  id: 'list',
  context: { items: [], homes: [] },
  on: {
    meet: { actions: assign({ homes: ({ event }) => event.homes }) },
    want: { actions: ['add', { type: 'tellAll', params: ({ event }) => ({ type: 'heard', item: event.item }) }] },
    bought: { actions: ['remove', { type: 'tellAll', params: ({ event }) => ({ type: 'gone', item: event.item }) }] },
    heard: { actions: 'add' },
    gone: { actions: 'remove' }
  }
})
