import type { Store } from '@brume/ports'
import type { Kernel } from '@brume/runtime/kernel'
import { monotonicMs } from '../harness/clock.ts'
import { median } from '../harness/statistics.ts'
import { startCounter, startKernel } from './kernels.ts'
import { type Row, row, timed } from './result.ts'
import { withBareStore, withStore } from './store.ts'

const ADD = { type: 'add', by: 1 } as const
/** As many as one sync carries here in practice; the other side puts as many into a batch. */
const PER_SYNC = 128
const JOURNAL_BAR = { perS: 50_000, ratio: 0.4 }
const COLD_ACTORS = 20_000
/** Told between two syncs; a part of all. */
const COLD_AT_ONCE = 250
const COLD_SUBMITTED = 2_000
const COLD_P50_US_BAR = 10
/** What a journaled event puts: a key of 25 bytes, and time, sender and event. */
const ENTRY_BYTES = 64

/** Events of a journaled actor, each on disk before it counts, beside bare batches of as many equal puts. */
export async function benchJournal(seconds: number): Promise<readonly Row[]> {
  return withStore(async (store) => {
    const kernel = await startCounter('journal', store.sub('actors/'))
    const rounds = { tells: [] as number[], puts: [] as number[] }
    const endMs = monotonicMs() + seconds * 1_000
    for (let round = 0; monotonicMs() < endMs; round++) {
      rounds.tells.push(await rate(8, () => tellMany(() => kernel.submit('bench', ADD))))
      rounds.puts.push(await rate(8, () => putMany(store, round)))
    }
    await kernel.stop()
    const [tells, puts] = [median(rounds.tells), median(rounds.puts)]
    const passes = tells >= JOURNAL_BAR.perS && tells / puts >= JOURNAL_BAR.ratio
    return [
      {
        ...row('journaled submit, on disk', tells),
        against: `LevelDB batches of ${PER_SYNC}, synced, ${Math.round(puts)}/s`,
        ratio: tells / puts,
        bar: `>= ${JOURNAL_BAR.perS}/s and ${JOURNAL_BAR.ratio}`,
        verdict: passes ? 'pass' : 'fail'
      }
    ]
  })
}

async function tellMany(submit: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: PER_SYNC * 4 }, submit))
}

async function putMany(store: Store, round: number): Promise<void> {
  for (let batch = 0; batch < 4; batch++) {
    const operations = Array.from({ length: PER_SYNC }, (_, i) => {
      const key = Buffer.alloc(25)
      key.writeUInt32BE(round, 1)
      key.writeUInt32BE(batch * PER_SYNC + i, 20)
      return { type: 'put' as const, key, value: new Uint8Array(ENTRY_BYTES) }
    })
    await store.batch(operations, { sync: true })
  }
}

/** Operations a second, of `times` calls that do `4 * PER_SYNC` each. */
async function rate(times: number, run: () => Promise<void>): Promise<number> {
  const startMs = monotonicMs()
  for (let i = 0; i < times; i++) await run()
  return ((times * 4 * PER_SYNC) / (monotonicMs() - startMs)) * 1_000
}

/**
 * An event for an actor that is on disk only: read, decode, step, encode, into the batch. Without the store's checksums
 * and with them, by turns; and as long as it takes until it is on disk.
 */
export function benchCold(): Promise<readonly Row[]> {
  return withBareStore((bareStore) =>
    withStore(async (store) => {
      const bare = await startCold(bareStore)
      const sealed = await startCold(store)
      const times = { bare: [] as number[], sealed: [] as number[], onDisk: [] as number[] }
      for (let i = 0; i < COLD_ACTORS; i += COLD_AT_ONCE) {
        times.bare.push(...(await tellCold(bare, i)))
        times.sealed.push(...(await tellCold(sealed, i)))
      }
      for (let i = 0; i < COLD_SUBMITTED; i++) {
        const startMs = monotonicMs()
        await sealed.submit(coldPath(i), ADD)
        times.onDisk.push(monotonicMs() - startMs)
      }
      await Promise.all([bare.stop(), sealed.stop()])
      const warm = timed(times.bare.slice(COLD_ACTORS / 5))
      return [
        {
          ...row('cold event, no checksums, synced later', warm.opsPerS),
          ...warm,
          bar: `p50 <= ${COLD_P50_US_BAR} us`,
          verdict: warm.p50Us <= COLD_P50_US_BAR ? 'pass' : 'fail'
        },
        { ...row('cold event, synced later', null), ...timed(times.sealed.slice(COLD_ACTORS / 5)) },
        { ...row('cold event, on disk before the next', null), ...timed(times.onDisk) }
      ]
    })
  )
}

async function startCold(store: Store): Promise<Kernel> {
  const kernel = await startKernel({ store: store.sub('actors/') })
  for (let i = 0; i < COLD_ACTORS; i++) {
    const path = coldPath(i)
    kernel.spawn(path, 'counter', { durability: 'snapshot', passivateMs: 0 })
    if (i % 1_000 === 999) await kernel.submit(path, ADD)
  }
  return kernel
}

/** Times of single tells, ms; all are on disk at the end. */
async function tellCold(kernel: Kernel, first: number): Promise<readonly number[]> {
  const timesMs = Array.from({ length: COLD_AT_ONCE }, (_, i) => {
    const startMs = monotonicMs()
    kernel.tell(coldPath(first + i), ADD)
    return monotonicMs() - startMs
  })
  await kernel.submit(coldPath(first), ADD)
  return timesMs
}

/** Far from the one before in the order of the keys. */
const coldPath = (i: number): string => `cold/${(i * 7_919) % COLD_ACTORS}`
