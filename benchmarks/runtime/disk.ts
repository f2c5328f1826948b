import type { Store } from '@brume/ports'
import { monotonicMs } from '../harness/clock.ts'
import { median } from '../harness/statistics.ts'
import { startCounter, startKernel } from './kernels.ts'
import { type Row, row, timed } from './result.ts'
import { withStore } from './store.ts'

const ADD = { type: 'add', by: 1 } as const
/** As many as one sync carries here in practice; the other side puts as many into a batch. */
const PER_SYNC = 128
const JOURNAL_BAR = { perS: 50_000, ratio: 0.4 }
const COLD_ACTORS = 20_000
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

/** An event for an actor that is on disk only: read, decode, step, encode, into the batch. */
export async function benchCold(): Promise<readonly Row[]> {
  return withStore(async (store) => {
    const kernel = await startKernel({ store: store.sub('actors/') })
    const path = (i: number) => `cold/${i}`
    for (let i = 0; i < COLD_ACTORS; i++) {
      kernel.spawn(path(i), 'counter', { durability: 'snapshot', passivateMs: 0 })
      if (i % 1_000 === 999) await kernel.submit(path(i), ADD)
    }
    await kernel.submit(path(COLD_ACTORS - 1), ADD)
    const timesMs: number[] = []
    for (let i = 0; i < COLD_ACTORS; i++) {
      const to = path((i * 7_919) % COLD_ACTORS)
      const startMs = monotonicMs()
      kernel.tell(to, ADD)
      timesMs.push(monotonicMs() - startMs)
      if (i % 256 === 255) await kernel.submit(to, ADD)
    }
    await kernel.stop()
    const found = timed(timesMs.slice(COLD_ACTORS / 5))
    return [
      {
        ...row('cold event, LevelDB, its batch synced later', found.opsPerS),
        ...found,
        bar: `p50 <= ${COLD_P50_US_BAR} us`,
        verdict: found.p50Us <= COLD_P50_US_BAR ? 'pass' : 'fail'
      }
    ]
  })
}
