import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ADD, type Contender, GET, sumOf } from './contender.ts'

type NactRef = object
type NactMessage = { readonly type: string; readonly by?: number; readonly sender?: NactRef }

/** The part of nact that is used; it is not among brume's own dependencies. */
interface Nact {
  start(): NactRef
  spawn(parent: NactRef, step: (n: number | undefined, message: NactMessage) => number): NactRef
  dispatch(actor: NactRef, message: unknown): void
  query(actor: NactRef, message: (sender: NactRef) => NactMessage, timeoutMs: number): Promise<number>
}

const TIMEOUT_MS = 60_000

export async function nact(folder: string): Promise<Contender> {
  const { start, spawn, dispatch, query } = (await load(folder, 'nact')) as Nact
  const system = start()
  const make = () =>
    spawn(system, (n = 0, { type, sender }) => {
      if (type === 'add') return n + 1
      if (sender) dispatch(sender, n)
      return n
    })
  const ask = (actor: NactRef) => query(actor, (sender) => ({ ...GET, sender }), TIMEOUT_MS)
  const one = make()
  return {
    tell: (count) => {
      for (let i = 0; i < count; i++) dispatch(one, ADD)
      return ask(one)
    },
    ask: async (count) => {
      let last = 0
      for (let i = 0; i < count; i++) last = await ask(one)
      return last
    },
    // They live as long as their parent, which has them by name.
    idle: (count) => {
      const actors = Array.from({ length: count }, make)
      for (const actor of actors) dispatch(actor, ADD)
      return sumOf(actors, ask)
    }
  }
}

type Program<T> = { readonly value?: T }
type Layer = object
interface Client {
  Add(payload: { readonly by: number }, options: { readonly discard: true }): Program<void>
  Get(): Program<number>
}

/** The part of Effect that is used. */
interface EffectLibrary {
  readonly Effect: {
    sync<T>(run: () => T): Program<T>
    forEach<T, R>(items: Iterable<T>, run: (item: T) => Program<R>): Program<readonly R[]>
  }
  readonly Schema: { readonly Number: object }
  readonly Layer: { provideMerge(layer: Layer): (to: Layer) => Layer }
  readonly ManagedRuntime: { make(layer: Layer): { runPromise<T>(program: Program<T>): Promise<T> } }
}
interface Cluster {
  readonly Entity: {
    make(
      type: string,
      protocol: readonly object[]
    ): {
      toLayer(handlers: Program<object>, options: object): Layer
      readonly client: Program<(id: string) => Client>
    }
  }
  readonly TestRunner: { readonly layer: Layer }
}
interface Rpcs {
  readonly Rpc: { make(tag: string, options: object): object }
}

/** Entities of @effect/cluster on its one in-memory runner, the only way without sockets; nothing is persisted. */
export async function effect(folder: string): Promise<Contender> {
  const { Effect, Schema, Layer, ManagedRuntime } = (await load(folder, 'effect')) as EffectLibrary
  const { Entity, TestRunner } = (await load(folder, '@effect/cluster')) as Cluster
  const { Rpc } = (await load(folder, '@effect/rpc')) as Rpcs
  const protocol = [Rpc.make('Add', { payload: { by: Schema.Number } }), Rpc.make('Get', { success: Schema.Number })]
  const counter = Entity.make('Counter', protocol)
  const handlers = Effect.sync(() => {
    let n = 0
    const add = ({ payload }: { readonly payload: { readonly by: number } }) =>
      Effect.sync(() => {
        n += payload.by
      })
    return { Add: add, Get: () => Effect.sync(() => n) }
  })
  const live = counter.toLayer(handlers, { maxIdleTime: '1 hour', mailboxCapacity: 'unbounded' })
  const runtime = ManagedRuntime.make(Layer.provideMerge(TestRunner.layer)(live))
  const client = await runtime.runPromise(counter.client)
  const one = client('one')
  let made = 0
  const times = (count: number) => Array.from({ length: count }, (_, i) => i)
  const add = (to: Client) => to.Add({ by: 1 }, { discard: true })
  return {
    tell: async (count) => {
      await runtime.runPromise(Effect.forEach(times(count), () => add(one)))
      return runtime.runPromise(one.Get())
    },
    ask: async (count) => (await runtime.runPromise(Effect.forEach(times(count), () => one.Get()))).at(-1) ?? 0,
    idle: async (count) => {
      const clients = times(count).map(() => client(`idle-${made++}`))
      await runtime.runPromise(Effect.forEach(clients, add))
      return sumOf(clients, (entity) => runtime.runPromise(entity.Get()))
    }
  }
}

/** From where `install.ts` has put it. */
function load(folder: string, name: string): Promise<unknown> {
  const require = createRequire(join(folder, 'package.json'))
  return import(pathToFileURL(require.resolve(name)).href)
}
