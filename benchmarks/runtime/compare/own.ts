import { type Event, reducer } from '@brume/runtime/logic'
import { createActor } from 'xstate'
import counter from '../counter.machine.ts'
import { startKernel } from '../kernels.ts'
import { ADD, type Contender, GET, sumOf } from './contender.ts'

const reducing = reducer<number, Event>({
  id: new Uint8Array(32),
  init: () => 0,
  reduce: (n, event, effects, { ask }) => {
    if (event.type === 'add') return n + 1
    if (ask !== null) effects.push({ kind: 'reply', token: ask, value: n })
    return n
  }
})

/** Actors in memory of a kernel: the counter machine, or the same by a reducer. */
export async function brume(kind: 'counter' | 'reducer'): Promise<Contender> {
  const kernel = await startKernel()
  kernel.register({ name: 'reducer', version: 1, logic: reducing })
  const spawn = (path: string) => kernel.spawn(path, kind, { durability: 'memory' })
  const ask = async (path: string) => Number(await kernel.ask(path, GET))
  spawn('one')
  let made = 0
  return {
    tell: (count) => {
      for (let i = 0; i < count; i++) kernel.tell('one', ADD)
      return ask('one')
    },
    ask: async (count) => {
      let last = 0
      for (let i = 0; i < count; i++) last = await ask('one')
      return last
    },
    idle: (count) => {
      const paths = Array.from({ length: count }, () => `idle/${made++}`)
      for (const path of paths) {
        spawn(path)
        kernel.tell(path, ADD)
      }
      return sumOf(paths, ask)
    }
  }
}

/** XState alone: no addresses, and nobody to ask but the snapshot. */
export function xstate(): Contender {
  const start = () => createActor(counter).start()
  const held = (actor: ReturnType<typeof start>) => actor.getSnapshot().context.n
  const one = start()
  const living: ReturnType<typeof start>[] = []
  return {
    tell: async (count) => {
      for (let i = 0; i < count; i++) one.send(ADD)
      return held(one)
    },
    ask: async () => held(one),
    idle: (count) => {
      const actors = Array.from({ length: count }, start)
      living.push(...actors)
      for (const actor of actors) actor.send(ADD)
      return sumOf(actors, async (actor) => held(actor))
    }
  }
}
