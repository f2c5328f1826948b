import { afterEach, expect, test, vi } from 'vitest'
import { Batch } from '../kernel/durable/batch.ts'
import { keyText, PREFIX } from '../kernel/durable/keys.ts'
import { Effects } from '../kernel/effects.ts'
import { Outputs } from '../kernel/outputs.ts'
import { check } from './testing/check.ts'
import { run } from './testing/crash.ts'
import type { Faults } from './testing/world.ts'

/** A check that no known bug trips is not known to work: each of these is found within so many runs. */
const SEEDS = 60

afterEach(() => void vi.restoreAllMocks())

/** What is put of this kind is what the change before it should have put: it is one batch late, or not there. */
function late(prefix: number, nameOf: (key: Uint8Array) => string = keyText): void {
  const { put } = Batch.prototype
  const held = new Map<string, readonly [Uint8Array, () => Uint8Array]>()
  vi.spyOn(Batch.prototype, 'put').mockImplementation(function (this: Batch, key, value) {
    if (key[0] !== prefix) return put.call(this, key, value)
    const before = held.get(nameOf(key))
    held.set(nameOf(key), [key, value])
    if (before !== undefined) put.call(this, ...before)
  })
}

/** Prefix and id: changes of one actor. */
const ofActor = (key: Uint8Array): string => keyText(key.subarray(0, 17))

const MUTANTS: readonly (readonly [name: string, apply: () => Faults | undefined])[] = [
  [
    'output before commit',
    () => {
      vi.spyOn(Outputs.prototype, 'release').mockImplementation((_, leave) => leave())
      return undefined
    }
  ],
  [
    'watermark outside the batch',
    () => {
      late(PREFIX.watermark)
      return undefined
    }
  ],
  [
    'outbox outside the batch',
    () => {
      late(PREFIX.outbox, ofActor)
      return undefined
    }
  ],
  [
    'stored reply outside the batch',
    () => {
      late(PREFIX.reply, ofActor)
      return undefined
    }
  ],
  ['outbox deleted on Ack 0', () => ({ acksQueued: true })],
  [
    'timer fired twice after restart',
    () => {
      const { goOn } = Effects.prototype
      vi.spyOn(Effects.prototype, 'goOn').mockImplementation(function (this: Effects, cell, actor) {
        const twice = actor.timers.map((timer) => ({ ...timer, id: `${timer.id} again` }))
        goOn.call(this, cell, { ...actor, timers: [...actor.timers, ...twice] })
      })
      return undefined
    }
  ]
]

test.each(MUTANTS)(
  '%s is noticed',
  async (_, apply) => {
    const faults = apply()
    const caught = async (): Promise<number> => {
      for (let seed = 0; seed < SEEDS; seed++) {
        try {
          check(await run(seed, faults))
        } catch {
          return seed
        }
      }
      return SEEDS
    }
    expect(await caught()).toBeLessThan(SEEDS)
  },
  120_000
)
