import { fileURLToPath } from 'node:url'
import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import type { Actors } from './actors.ts'
import { loadModules, runModules } from './modules.ts'

const fragile = fileURLToPath(new URL('../fixtures/fragile.machine.ts', import.meta.url))

test('a module says who may send its actor events', async () => {
  const spawned: object[] = []
  const actors = {
    register: async (_: URL, { name }: { readonly name: string }) => ({ name }),
    spawn: async (_: object, options: object) => void spawned.push(options)
  }
  await runModules(await loadModules([fragile], new SimClock()), actors as unknown as Actors)
  expect(spawned).toEqual([{ id: 'fragile', durability: 'journal', allow: 'local' }])
})
