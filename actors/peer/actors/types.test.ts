import type { Json } from '@brume/runtime/replica'
import { expectTypeOf, test } from 'vitest'
import { assign, setup } from 'xstate'
import type { Logic, Peer, Ref, Replies, Snapshot } from '../index.ts'

const lamp = setup({
  types: {} as {
    context: { level: number }
    events: { type: 'dim'; by: number } | { type: 'toggle' }
    emitted: { type: 'burnt' } | { type: 'flicker'; times: number } | Replies<number, 'dim'> | Replies<string, 'toggle'>
    input: { level: number }
    tags: 'lit'
  }
}).createMachine({
  context: ({ input }) => input,
  initial: 'off',
  states: { off: { on: { toggle: 'on' } }, on: { tags: 'lit', on: { dim: { actions: assign({ level: 0 }) } } } }
})
const silent = setup({ types: {} as { context: { n: number }; events: { type: 'add' } } }).createMachine({
  context: { n: 0 }
})

declare const ref: Ref<typeof lamp>
declare const other: Ref<typeof silent>
declare const peer: Peer
declare const logic: Logic<typeof lamp>

/** Never called: what is in it must compile, and what is expected not to must not. */
function typed(): unknown[] {
  const ok = [
    ref.tell({ type: 'dim', by: 1 }),
    ref.submit({ type: 'toggle' }),
    ref.waitFor('lit'),
    ref.waitFor((snapshot) => snapshot.context.level > 1),
    ref.on('flicker', ({ times }) => times.toFixed()),
    ref.on('*', (event) => event.type),
    peer.spawn(logic, { id: 'lamp', input: { level: 1 } })
  ]
  // @ts-expect-error: there is no such event
  ref.tell({ type: 'dimm', by: 1 })
  // @ts-expect-error: its field has another type
  ref.submit({ type: 'dim', by: '1' })
  // @ts-expect-error: the field is missing
  ref.ask({ type: 'dim' })
  // @ts-expect-error: this is emitted with `times`, a number
  ref.on('flicker', ({ times }) => times.trim())
  // @ts-expect-error: it emits no such event
  ref.on('burned', () => undefined)
  // @ts-expect-error: it has an input of another form
  peer.spawn(logic, { id: 'lamp', input: { level: 'high' } })
  // @ts-expect-error: the context has no such key
  ref.waitFor((snapshot) => snapshot.context.volume > 1)
  // @ts-expect-error: what the machine replies is a number
  ref.ask({ type: 'dim', by: 1 }).then((reply) => reply.trim())
  // @ts-expect-error: only a certified snapshot has a proof
  ref.snapshot({ read: 'final' }).then(({ proof }) => proof)
  return ok
}

test('refs are typed by their machine', () => {
  expectTypeOf(typed).toBeFunction()
  const ask = (): unknown => ref.ask({ type: 'toggle' })
  expectTypeOf(ask).toBeFunction()
  expectTypeOf<ReturnType<typeof ref.ask<{ type: 'toggle' }>>>().resolves.toEqualTypeOf<string>()
  expectTypeOf<ReturnType<typeof ref.ask<{ type: 'dim'; by: number }>>>().resolves.toEqualTypeOf<number>()
  expectTypeOf<ReturnType<typeof other.ask<{ type: 'add' }>>>().resolves.toEqualTypeOf<Json>()
  expectTypeOf<Snapshot<typeof lamp>['context']>().toEqualTypeOf<{ level: number }>()
})
