import { assign, enqueueActions, sendParent, setup } from 'xstate'

/** Does jobs, one after the other; some of them break it. */
const worker = setup({
  types: {} as { context: { last: string }; events: { type: 'do'; job: string } }
}).createMachine({
  context: { last: '' },
  on: {
    do: {
      actions: [
        assign({ last: ({ event }) => work(event.job) }),
        sendParent(({ context }) => ({ type: 'did', job: context.last }))
      ]
    }
  }
})

function work(job: string): string {
  if (job === 'broken') throw new Error('this job breaks whoever does it')
  return job
}

/** Gives jobs to its workers in turn. What becomes of one that fails is said at `register`. */
export default setup({
  types: {} as {
    context: { next: number; did: string[] }
    events: { type: 'job'; job: string } | { type: 'did'; job: string }
  },
  actors: { worker }
}).createMachine({
  id: 'pool',
  context: { next: 0, did: [] },
  entry: enqueueActions(({ enqueue }) => {
    for (const id of ['w0', 'w1']) enqueue.spawnChild('worker', { id })
  }),
  on: {
    job: {
      actions: enqueueActions(({ context, event, enqueue }) => {
        enqueue.sendTo(`w${context.next % 2}`, { type: 'do', job: event.job })
        enqueue.assign({ next: context.next + 1 })
      })
    },
    did: { actions: assign({ did: ({ context, event }) => [...context.did, event.job] }) }
  }
})
