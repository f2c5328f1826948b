import type { Kernel, Mailbox } from '@brume/runtime/kernel'
import { type Effect, type Event, reducer } from '@brume/runtime/logic'
import { monotonicMs } from '../harness/clock.ts'
import { startKernel } from './kernels.ts'
import { type Row, row } from './result.ts'

/** `block` makes who submits wait, so nothing floods. */
const POLICIES = ['reject', 'dropNewest', 'dropOldest'] as const
/** What an event costs the actor: 5,000 a second. */
const WORK_MS = 0.2
const FLOOD_PER_S = 50_000
/** Sent in one step of the actor that floods. */
const BURST = 1_024
const TICK_MS = 50
const RSS_GROWTH_MIB_BAR = 64
const STOP_MS_BAR = 100
const MIB = 1_048_576
/** Until memory has found its level. */
const WARM_UP_MS = 1_000

/** Ten times what an actor can take, under each policy: what is dropped, what is not, and what it weighs. */
export async function benchFlood(seconds: number): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const overflow of POLICIES) rows.push(await flood(overflow, seconds))
  return rows
}

async function flood(overflow: NonNullable<Mailbox['overflow']>, seconds: number): Promise<Row> {
  const kernel = await startKernel()
  const handled = { work: 0, ticks: 0 }
  kernel.register({ name: 'slow', version: 1, logic: slowActor(handled) })
  const { address } = kernel.spawn('slow', 'slow', { durability: 'memory', mailbox: { overflow } })
  kernel.register({ name: 'flooder', version: 1, logic: flooder(address) })
  kernel.spawn('flooder', 'flooder', { durability: 'memory' })
  const told = await press(kernel, WARM_UP_MS)
  const [before, startMs] = [process.memoryUsage().rss, monotonicMs()]
  const startTicks = handled.ticks
  const more = await press(kernel, seconds * 1_000)
  const tookMs = monotonicMs() - startMs
  const growthMiB = (process.memoryUsage().rss - before) / MIB
  // A timer is armed anew by the event that handles it, so under load fewer come than fit; none may be missing for ever.
  const ticks = handled.ticks - startTicks
  const stopMs = await stopOf(kernel)
  const sent = told.sent + more.sent
  const refused = told.refused + more.refused
  await kernel.stop()
  const passes = growthMiB <= RSS_GROWTH_MIB_BAR && stopMs <= STOP_MS_BAR && ticks > 0 && refused > 0
  return {
    ...row(`flood, ${overflow}`, (handled.work / (tookMs + WARM_UP_MS)) * 1_000),
    bar: `RSS <= ${RSS_GROWTH_MIB_BAR} MiB more, stop <= ${STOP_MS_BAR} ms`,
    verdict: passes ? 'pass' : 'fail',
    note: `${sent} sent, ${refused} told no or dropped, ${handled.work} handled, ${ticks} timers, RSS ${growthMiB.toFixed(1)} MiB more, stopped in ${stopMs.toFixed(1)} ms`
  }
}

function slowActor(handled: { work: number; ticks: number }) {
  const tick = (effects: Effect[]) =>
    effects.push({ kind: 'timer', id: 'tick', event: { type: 'tick' }, delayMs: TICK_MS })
  return reducer<number, Event>({
    id: new Uint8Array(32),
    init: (_, effects) => tick(effects),
    reduce: (n, { type }, effects) => {
      if (type === 'tick') {
        handled.ticks += 1
        tick(effects)
        return n
      }
      handled.work += 1
      for (const untilMs = monotonicMs() + WORK_MS; monotonicMs() < untilMs; );
      return n + 1
    }
  })
}

/**
 * Sends so much for so long. From an actor: an event of application code is handled before `tell` returns, so whoever
 * tells cannot outrun an actor.
 */
function flooder(to: string) {
  const event = { type: 'work', body: 'x'.repeat(200) }
  return reducer<number, Event>({
    id: new Uint8Array(32),
    init: () => 0,
    reduce: (n, _, effects) => {
      for (let i = 0; i < BURST; i++) effects.push({ kind: 'send', to, event })
      return n + BURST
    }
  })
}

async function press(kernel: Kernel, forMs: number) {
  const startMs = monotonicMs()
  const overflowed = () => kernel.actors().find(({ path }) => path === 'slow')?.overflowed ?? 0
  const before = overflowed()
  let sent = 0
  while (monotonicMs() - startMs < forMs) {
    if (sent < ((monotonicMs() - startMs) / 1_000) * FLOOD_PER_S) {
      kernel.tell('flooder', { type: 'go' })
      sent += BURST
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { sent, refused: overflowed() - before }
}

async function stopOf(kernel: Kernel): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  kernel.watch('slow', () => resolve())
  const startMs = monotonicMs()
  await kernel.stopActor('slow')
  await promise
  return monotonicMs() - startMs
}
