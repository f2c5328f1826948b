import { remote, reply, rng } from '@brume/runtime/logic'
import { assign, sendTo, setup } from 'xstate'

type Event =
  | { type: 'add'; by: number }
  | { type: 'wait'; ms: number }
  | { type: 'tell'; to: string }
  | { type: 'sum'; n: number }
  | { type: 'draw' }
  | { type: 'fail' }
  | { type: 'grow' }
  | { type: 'end' }

/** A sum, with everything that a replicated machine can do. */
export default setup({
  types: {} as { context: { n: number; late: number; text: string }; events: Event; input: { start: number } | null }
}).createMachine({
  context: ({ input }) => ({ n: input?.start ?? 0, late: 0, text: '' }),
  initial: 'open',
  states: {
    open: {
      on: {
        add: {
          actions: [assign({ n: ({ context, event }) => context.n + event.by }), reply(({ context }) => context.n)]
        },
        wait: 'waiting',
        tell: {
          actions: sendTo(
            ({ event }) => remote(event.to),
            ({ context }) => ({ type: 'sum', n: context.n })
          )
        },
        sum: { actions: assign({ n: ({ context, event }) => context.n + event.n }) },
        draw: { actions: reply(({ event }) => rng(event).below(1_000_000)) },
        fail: {
          actions: assign(() => {
            throw new Error('no')
          })
        },
        grow: { actions: assign({ text: ({ context }) => `${context.text}${'x'.repeat(20_000)}` }) },
        end: 'over'
      }
    },
    waiting: { after: { 5000: { target: 'open', actions: assign({ late: ({ context }) => context.late + 1 }) } } },
    over: { type: 'final' }
  }
})

export const selectors = {
  double: (context: { n: number }) => context.n * 2,
  times: (context: { n: number }, factor: number) => context.n * factor
}
