import { assign, emit, setup } from 'xstate'

interface Words {
  name: string
  text: string
}

/** Tells everybody who listens what somebody says, and knows how often it did. */
export default setup({
  types: {} as {
    context: { lines: number }
    events: { type: 'say' } & Words
    emitted: { type: 'said' } & Words
  }
}).createMachine({
  id: 'room',
  context: { lines: 0 },
  on: {
    say: {
      actions: [
        assign({ lines: ({ context }) => context.lines + 1 }),
        emit(({ event: { name, text } }) => ({ type: 'said', name, text }))
      ]
    }
  }
})
