import { decode, encode } from '@brume/codec'
import { expect, test } from 'vitest'
import {
  type AnyStateMachine,
  assign,
  createMachine,
  fromCallback,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild
} from 'xstate'
import { askToken, now, reminder, remote, reply, replyTo, rng, sender, watch } from '../index.ts'
import type { Effect, Event, Json, Scope } from '../port.ts'
import { xstate5 } from './index.ts'
import { Stage } from './stage.ts'

const SHOP = 'brume://12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt/shop'

const scopeOf = (more: Partial<Scope> = {}): Scope => ({
  address: `${SHOP}#3`,
  parent: null,
  nowMs: 1_000,
  sender: 'brume://x/asker#1',
  ask: 'ask-1',
  random: (length) => new Uint8Array(length).fill(5),
  ...more
})

/** Effects of the events, one after another. */
function run(given: object, events: readonly Event[], more: Partial<Scope> = {}) {
  const logic = xstate5(given as AnyStateMachine)
  let step = logic.init(null, scopeOf(more))
  const effects: (readonly Effect[])[] = [step.effects]
  for (const event of events) {
    step = logic.step(step.state, event, scopeOf(more))
    effects.push(step.effects)
  }
  return { logic, state: step.state, effects, view: logic.view(step.state) }
}

const coded = (code: string) => expect.objectContaining({ code })
const child = createMachine({ id: 'child' })

test('the machine may ask about its step, also in raised events and always', () => {
  const seen = assign(({ context }: { readonly context: { readonly seen: readonly Json[] } }) => ({
    seen: [...context.seen, [now(), sender(), askToken(), rng().below(3)]]
  }))
  const machine = createMachine({
    context: { seen: [] as readonly Json[] },
    initial: 'a',
    on: { go: { actions: [seen, raise({ type: 'again' })] }, again: { target: '.b', actions: [seen] } },
    states: { a: {}, b: { always: { target: 'c', actions: [seen] } }, c: {} }
  } as never)
  const step = [1_000, 'brume://x/asker#1', 'ask-1', 0x050505050505 % 3]
  expect(run(machine, [{ type: 'go' }]).view.context).toEqual({ seen: [step, step, step] })
  expect(() => now()).toThrow(coded('BRUME_RUNTIME_OUTSIDE_STEP'))
})

test('replies, late replies, reminders, watches and remote targets are effects', () => {
  const machine = createMachine({
    context: { n: 1, token: null as string | null },
    on: {
      ask: { actions: [assign({ n: 2 }), reply(({ context }) => ({ n: context.n }))] },
      keep: { actions: assign({ token: () => askToken() }) },
      late: {
        actions: replyTo(
          ({ context }) => context.token,
          () => 'at last'
        )
      },
      begin: {
        actions: [
          reminder('tick', { every: 50 }),
          watch('brume://x/y'),
          sendTo(() => remote('brume://x/y'), { type: 'hi' })
        ]
      }
    }
  } as never)
  const tick = { type: 'brume.reminder.tick', id: 'tick', everyMs: 50 }
  const types = ['ask', 'keep', 'late', 'begin'].map((type) => ({ type }))
  const { effects } = run(machine, [...types, tick])
  const timer = { kind: 'timer', id: 'tick', event: tick, delayMs: 50 }
  expect(effects).toEqual([
    [],
    [{ kind: 'reply', token: 'ask-1', value: { n: 2 } }],
    [],
    [{ kind: 'reply', token: 'ask-1', value: 'at last' }],
    [timer, { kind: 'watch', target: 'brume://x/y' }, { kind: 'send', to: 'brume://x/y', event: { type: 'hi' } }],
    [timer]
  ])
  expect(run(machine, [{ type: 'ask' }], { ask: null }).effects[1]).toEqual([])
})

test('children come and go in the order in which the machine says so', () => {
  const machine = setup({ actors: { child } }).createMachine({
    on: {
      open: { actions: [spawnChild('child', { id: 'a', input: { n: 1 } as never }), sendTo('a', { type: 'x' })] },
      close: { actions: [sendTo('a', { type: 'bye' }), stopChild('a')] },
      flash: { actions: [spawnChild('child', { id: 'b' }), sendTo('b', { type: 'x' }), stopChild('b')] },
      again: { actions: spawnChild('child', { id: 'a' }) }
    }
  })
  const spawn = { kind: 'spawn', id: 'a', src: 'child', syncSnapshot: false }
  const { effects } = run(machine, ['open', 'flash', 'again', 'close', 'close'].map((type) => ({ type })).slice(0, 4))
  expect(effects.slice(1)).toEqual([
    [
      { ...spawn, input: { n: 1 } },
      { kind: 'send', to: '#a', event: { type: 'x' } }
    ],
    [],
    [
      { kind: 'stop', id: 'a' },
      { ...spawn, input: null }
    ],
    [
      { kind: 'send', to: '#a', event: { type: 'bye' } },
      { kind: 'stop', id: 'a' }
    ]
  ])
})

test('children without an id, inline logic and unknown names are refused', () => {
  const spawning = (actions: unknown) =>
    setup({ actors: { child } }).createMachine({ context: {}, on: { go: { actions } } } as never)
  const go = (actions: unknown) => () => run(spawning(actions), [{ type: 'go' }])
  type Spawn = { readonly spawn: (...args: unknown[]) => unknown }
  expect(go(spawnChild('child' as never))).toThrow(coded('BRUME_RUNTIME_CHILD_ID'))
  expect(go(assign((({ spawn }: Spawn) => ({ kid: spawn('child') })) as never))).toThrow(
    coded('BRUME_RUNTIME_CHILD_ID')
  )
  expect(go(spawnChild('child' as never, { id: 'x'.repeat(65) } as never))).toThrow(coded('BRUME_RUNTIME_CHILD_ID'))
  expect(go(spawnChild(child as never, { id: 'a' } as never))).toThrow(coded('BRUME_RUNTIME_CHILD_SRC'))
  expect(go(assign((({ spawn }: Spawn) => ({ kid: spawn(child, { id: 'a' }) })) as never))).toThrow(
    coded('BRUME_RUNTIME_CHILD_SRC')
  )
  expect(go(spawnChild('nobody' as never, { id: 'a' } as never))).toThrow(coded('BRUME_RUNTIME_CHILD_SRC'))
})

test('what acts within a step throws', () => {
  type Args = { readonly self: { send(event: unknown): void }; readonly system: { readonly scheduler: unknown } }
  const acting = (act: (args: Args) => void) => () =>
    run(
      createMachine({ context: {}, on: { go: { actions: assign(((args: Args) => [act(args), {}][1]) as never) } } }),
      [{ type: 'go' }]
    )
  expect(acting(({ self }) => self.send({ type: 'x' }))).toThrow(coded('BRUME_RUNTIME_INERT'))
  expect(acting(({ system }) => system.scheduler)).toThrow(coded('BRUME_RUNTIME_INERT'))
  expect(() => run(createMachine({ entry: sendParent({ type: 'x' } as never) }), [])).toThrow()
})

test('failures are thrown: of guards, of the initial state, of endless loops, of contexts that are not plain', () => {
  const fails = () => {
    throw new Error('planted')
  }
  expect(() => run(createMachine({ context: fails as never }), [])).toThrow('planted')
  expect(() => run(createMachine({ on: { go: { guard: fails, actions: [] } } }), [{ type: 'go' }])).toThrow('planted')
  const endless = { initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } }
  expect(() => run(createMachine(endless), [])).toThrow(/Infinite loop/)
  expect(() => run(createMachine({ context: { at: new Map() } }), [])).toThrow(coded('BRUME_RUNTIME_NOT_PLAIN'))
  expect(() =>
    run(createMachine({ context: {} }), [{ type: 'xstate.error.actor.a', error: 'x', actorId: 'a' }])
  ).toThrow()
})

test('a named action without a function is run by the kernel, one with a function is handed on with it', () => {
  const ran: unknown[] = []
  const machine = createMachine(
    {
      on: { go: { actions: [{ type: 'pay', params: { cents: 5 } }, { type: 'note', params: { a: 1 } }, 'mail'] } }
    } as never,
    { actions: { note: ((_: unknown, params: unknown) => ran.push(params)) as never } }
  )
  const [, effects = []] = run(machine, [{ type: 'go' }]).effects
  expect(effects).toEqual([
    { kind: 'run', type: 'pay', params: { cents: 5 } },
    { kind: 'inline', type: 'note', params: { a: 1 }, run: expect.any(Function) },
    { kind: 'run', type: 'mail', params: null }
  ])
  expect(ran).toEqual([])
  for (const effect of effects) if (effect.kind === 'inline') effect.run()
  expect(ran).toEqual([{ a: 1 }])
})

test('kinds of children: machines and transitions are actors, the rest are effects', () => {
  const inline = fromPromise(() => Promise.resolve(1))
  const machine = setup({
    actors: { child, sum: fromTransition((n: number) => n + 1, 0), once: inline, calls: fromCallback(() => {}) }
  }).createMachine({ id: 'm', invoke: { src: inline } })
  const { logic, effects } = run(machine, [])
  expect(effects[0]).toEqual([{ kind: 'spawn', id: '0.m', src: 'xstate.invoke.0.m', input: null, syncSnapshot: false }])
  const kinds = ['child', 'sum', 'once', 'calls', 'xstate.invoke.0.m', 'toString'].map((src) => logic.child(src)?.kind)
  expect(kinds).toEqual(['logic', 'logic', 'effect', 'effect', 'effect', undefined])
})

test('refs in the context survive, as addresses for others', () => {
  const machine = setup({ actors: { child } }).createMachine({
    context: ({ spawn }) => ({ kid: spawn('child', { id: 'kid' }), n: -0 }),
    on: {
      tell: {
        actions: sendTo(
          (({ context }: { readonly context: { readonly kid: unknown } }) => context.kid) as never,
          { type: 'x' } as never
        )
      }
    }
  })
  const { logic, state, view } = run(machine, [])
  expect(view.context).toEqual({ kid: `${SHOP}/kid`, n: 0 })
  const stored = decode(encode(logic.persist(state) as unknown as Json), { bytesMax: 65_536 }) as Json
  const restored = logic.restore(stored, scopeOf())
  expect(logic.step(restored, { type: 'tell' }, scopeOf()).effects).toEqual([
    { kind: 'send', to: '#kid', event: { type: 'x' } }
  ])
  expect(() => logic.restore(['active', 'nowhere', {}, [], [], [], []], scopeOf())).toThrow(
    coded('BRUME_RUNTIME_RECORD')
  )
})

test('a context is frozen before the next step sees it', () => {
  type Args = { readonly context: { readonly list: number[] } }
  const machine = createMachine({
    context: { list: [1] },
    on: { go: { actions: assign((({ context }: Args) => [context.list.push(2), {}][1]) as never) } }
  })
  expect(() => run(machine, [{ type: 'go' }])).toThrow(TypeError)
})

test('ids: equal definitions and functions are equal, others are not', () => {
  const make = (by: number, act: () => object) =>
    createMachine({ id: 'm', context: { by }, on: { go: { actions: assign(act) } } })
  const one = () => ({ by: 1 })
  const id = (machine: AnyStateMachine) => Buffer.from(xstate5(machine).id).toString('hex')
  expect(id(make(1, one))).toBe(id(make(1, one)))
  expect(new Set([id(make(1, one)), id(make(2, one)), id(make(1, () => ({ by: 2 })))]).size).toBe(3)
  expect(() => xstate5({} as never)).toThrow(coded('BRUME_RUNTIME_LOGIC'))
})

test('XState touches these members of the system, and no others', () => {
  const touched = new Set<PropertyKey>()
  const stage = new Stage()
  const system = new Proxy(stage.actorScope.system, {
    get: (target, key, receiver) => {
      touched.add(key)
      return Reflect.get(target, key, receiver)
    }
  })
  const scope = Object.assign(stage.actorScope, { system })
  Object.assign(stage.self, { system })
  const inert = { transition: (s: unknown) => s, getInitialSnapshot: () => ({ status: 'active' }) }
  const machine = setup({ actors: { child: inert as never } }).createMachine({
    invoke: { src: 'child', id: 'a', systemId: 'named' } as never,
    on: {
      go: {
        actions: [
          stopChild('a'),
          spawnChild('child' as never, { id: 'b' } as never),
          raise({ type: 'x' } as never, { delay: 5 } as never)
        ]
      }
    }
  })
  stage.run(scopeOf(), () => {
    const first = machine.getInitialSnapshot(scope as never, undefined as never)
    machine.transition(first, { type: 'go' } as never, scope as never)
    machine.transition(first, { type: 'xstate.stop' } as never, scope as never)
  })
  expect([...touched].sort()).toEqual(['_bookId', '_clock', '_logger', '_sendInspectionEvent', '_set'])
})
