import { type Json, reducer } from '@brume/runtime/logic'
import { createActor } from 'xstate'
import { monotonicMs } from '../harness/clock.ts'
import { compare } from '../harness/compare.ts'
import counter from './counter.machine.ts'
import { startCounter, startKernel } from './kernels.ts'
import { type Row, row, timed } from './result.ts'

const EVENTS_PER_RUN = 5_000
const ASKS = 50_000
const ADD = { type: 'add', by: 1 } as const

/** actors.md 13: 0.8 of XState's own `send`. */
const TELL_BAR = 0.8
const ASK_P50_US_BAR = 10

/** What an event costs here beside what it costs an actor of XState in the same process. */
export async function benchTell(seconds: number): Promise<readonly Row[]> {
  const kernel = await startCounter('memory')
  const actor = createActor(counter).start()
  const many = (send: () => void) => () => {
    for (let i = 0; i < EVENTS_PER_RUN; i++) send()
    return EVENTS_PER_RUN
  }
  const xstate = { name: 'XState send', run: many(() => actor.send(ADD)) }
  const tell = { name: 'tell', run: many(() => kernel.tell('bench', ADD)) }
  const machines = compare(tell, xstate, TELL_BAR, seconds, Math.random)
  const { n } = (await kernel.snapshot('bench')).context as { readonly n: number }
  if (n < EVENTS_PER_RUN) throw new Error(`only ${n} events arrived`)
  await kernel.stop()
  const rate = (side: number) => machines.sides[side]?.median ?? 0
  return [
    {
      ...row('local tell, memory counter', rate(0)),
      against: `XState actor.send, ${Math.round(rate(1))}/s`,
      ratio: machines.ratio,
      bar: `>= ${TELL_BAR}`,
      verdict: machines.ratio >= TELL_BAR ? 'pass' : 'fail',
      note: `per CPU second, drift ${machines.drift.toFixed(2)}, 95 % ${machines.ratioInterval.map((x) => x.toFixed(2)).join('-')}`
    },
    await reducerTell(seconds)
  ]
}

async function reducerTell(seconds: number): Promise<Row> {
  const kernel = await startKernel()
  const logic = reducer<number>({
    id: new Uint8Array(32),
    init: () => 0,
    reduce: (n, { by }) => n + Number(by)
  })
  kernel.register({ name: 'reducer', version: 1, logic })
  kernel.spawn('reducer', 'reducer', { durability: 'memory' })
  const startMs = monotonicMs()
  let told = 0
  while (monotonicMs() - startMs < seconds * 1_000) {
    for (let i = 0; i < EVENTS_PER_RUN; i++) kernel.tell('reducer', ADD)
    told += EVENTS_PER_RUN
  }
  const tookMs = monotonicMs() - startMs
  await kernel.stop()
  return { ...row('local tell, reducer actor', (told / tookMs) * 1_000), bar: '>= 2 x nact, where installed' }
}

/** From the call to the answer, one at a time. */
export async function benchAsk(): Promise<readonly Row[]> {
  const kernel = await startCounter('memory')
  const timesMs: number[] = []
  let answer: Json = null
  for (let i = 0; i < ASKS; i++) {
    const startMs = monotonicMs()
    answer = await kernel.ask('bench', { type: 'get' })
    timesMs.push(monotonicMs() - startMs)
  }
  if (answer !== 0) throw new Error('the counter answered something else')
  await kernel.stop()
  const found = timed(timesMs.slice(ASKS / 5))
  return [
    {
      ...row('local ask', found.opsPerS),
      ...found,
      bar: `p50 <= ${ASK_P50_US_BAR} us`,
      verdict: found.p50Us <= ASK_P50_US_BAR ? 'pass' : 'fail'
    }
  ]
}
