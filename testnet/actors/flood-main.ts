/**
 * One actor under a flood, a process of its own: `node flood-main.ts <Flood as JSON>`. Sends its `Flooded` over IPC and ends.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { createPeer, type Ref } from '@brume/peer'
import { remote } from '@brume/runtime/logic'
import { assign, enqueueActions, fromPromise, sendTo, setup, spawnChild } from 'xstate'
import type { OVERFLOWS } from './flood-policies.ts'

export interface Flood {
  readonly overflow: (typeof OVERFLOWS)[number]
  readonly seconds: number
  /** How often more comes than the actor can take. */
  readonly times: number
}

export interface Flooded {
  /** Events for the actor: of the one that floods, and of the application beside it. */
  readonly sent: number
  /** How often more than it had handled when the flood ended. */
  readonly timesSent: number
  readonly handled: number
  /** As the peer has counted it. */
  readonly dropped: number
  /** Events of the application that it only tells, and what it is told at once. */
  readonly tells: { readonly asked: number; readonly refused: number }
  /** Those it waits for. */
  readonly submits: { readonly asked: number; readonly refused: number; readonly processed: number }
  /** Timers and results of effects, which no policy may drop. */
  readonly control: { readonly due: number; readonly timers: number; readonly results: number }
  readonly rssGrowthBytes: number
  /** From the call to the end of the actor, its mailbox being full. */
  readonly stopMs: number
}

/** What an event costs the actor: a thousand a second. */
const WORK_MS = 1
/** Events in one step of the actor that floods: that many more than the mailbox holds come at once. */
const BURST = 1_280
/** Spread over the flood; an actor may have 1,024 timers. */
const CONTROL_EVENTS = 400
/** Between two events of the application. */
const PROBE_MS = 100
/** Until memory has found its level, 10,000 dead letters among it. */
const WARM_UP_MS = 5_000
const DRAIN_MS = 120_000
/** Of a flood that is only there to be stopped in. */
const STOP_FLOOD_MS = 1_000

const answer = fromPromise(async () => null)

/** Events that the actor has handled: the flood follows it, however fast this machine is. */
let handledHere = 0

function slowMachine(spreadMs: number) {
  return setup({
    types: {} as {
      context: { handled: number; timers: number; results: number }
      events:
        | { type: 'begin' }
        | { type: 'work'; body: string }
        | { type: 'ring' }
        | { type: 'xstate.done.actor.answer' }
    },
    actors: { answer },
    actions: {
      arm: enqueueActions(({ enqueue }) => {
        for (let n = 0; n < CONTROL_EVENTS; n++) {
          enqueue.raise({ type: 'ring' }, { id: `ring-${n}`, delay: ((n + 1) * spreadMs) / (CONTROL_EVENTS + 1) })
        }
      })
    }
  }).createMachine({
    context: { handled: 0, timers: 0, results: 0 },
    on: {
      begin: { actions: 'arm' },
      work: { actions: assign({ handled: ({ context }) => work(context.handled) }) },
      ring: {
        actions: [
          assign({ timers: ({ context }) => context.timers + 1 }),
          spawnChild('answer', { id: ({ context }) => `answer-${context.timers}` })
        ]
      },
      'xstate.done.actor.*': { actions: assign({ results: ({ context }) => context.results + 1 }) }
    }
  })
}

function work(handled: number): number {
  for (const untilMs = performance.now() + WORK_MS; performance.now() < untilMs; );
  handledHere += 1
  return handled + 1
}

/** An actor, because an event of the application is handled before `tell` returns: it cannot outrun anybody. */
const flooder = setup({
  types: {} as { context: { to: string }; events: { type: 'go' }; input: { to: string } }
}).createMachine({
  context: ({ input }) => input,
  on: {
    go: {
      actions: enqueueActions(({ context, enqueue }) => {
        for (let n = 0; n < BURST; n++) enqueue(sendTo(() => remote(context.to), event))
      })
    }
  }
})
const event = { type: 'work', body: 'x'.repeat(200) } as const

type Slow = Ref<ReturnType<typeof slowMachine>>

async function flood({ overflow, seconds, times }: Flood): Promise<Flooded> {
  const peer = await createPeer({ profile: 'local', mdns: false, store: 'memory', logLevel: 'silent' })
  const machine = slowMachine(WARM_UP_MS + seconds * 1_000)
  const logic = await peer.register<typeof machine>(machine, { name: 'slow', version: 1 })
  const slow: Slow = await peer.spawn(logic, { id: 'slow', durability: 'memory', mailbox: { overflow } })
  const source = await peer.register<typeof flooder>(flooder, { name: 'flooder', version: 1 })
  const input = { to: slow.address }
  const sender = await peer.spawn(source, { id: 'flooder', durability: 'memory', input })
  let sent = 0
  const tells = { asked: 0, refused: 0 }
  const submits = { asked: 0, refused: 0, processed: 0 }

  /** So many times what is handled, and now and then an event of the application, which wants to know. */
  async function press(forMs: number): Promise<void> {
    const startMs = performance.now()
    const passedMs = (): number => performance.now() - startMs
    for (let probes = 0; passedMs() < forMs; await turn()) {
      while (sent < handledHere * times + BURST && sender.tell({ type: 'go' }) === 'accepted') sent += BURST
      if (probes * PROBE_MS < passedMs()) probe(probes++)
    }
  }
  function probe(n: number): void {
    sent += 1
    if (n % 2 === 0) {
      tells.asked += 1
      if (slow.tell(event) !== 'accepted') tells.refused += 1
      return
    }
    submits.asked += 1
    slow.submit(event, { ttlMs: DRAIN_MS }).then(
      () => {
        submits.processed += 1
      },
      () => {
        submits.refused += 1
      }
    )
  }
  const counts = async () => (await slow.snapshot()).context
  const view = () => peer.actors().find(({ path }) => path === 'slow')

  await slow.submit({ type: 'begin' })
  await press(WARM_UP_MS)
  const rssBytes = process.memoryUsage().rss
  await press(seconds * 1_000)
  const rssGrowthBytes = process.memoryUsage().rss - rssBytes
  const timesSent = sent / handledHere
  const isDrained = async () => {
    const { timers, results } = await counts()
    const isAnswered = submits.processed + submits.refused === submits.asked
    return view()?.waiting === 0 && isAnswered && timers >= CONTROL_EVENTS && results >= CONTROL_EVENTS
  }
  for (const endMs = performance.now() + DRAIN_MS; performance.now() < endMs && !(await isDrained()); await turn());
  const { handled, timers, results } = await counts()
  const control = { due: CONTROL_EVENTS, timers, results }
  const dropped = view()?.overflowed ?? 0
  const flooded = {
    sent,
    timesSent,
    handled,
    dropped,
    tells: { ...tells },
    submits: { ...submits },
    control,
    rssGrowthBytes
  }
  await press(STOP_FLOOD_MS)
  const stopMs = await stopOf(slow)
  await peer.stop()
  return { ...flooded, stopMs }
}

async function stopOf(slow: Slow): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  slow.watch(() => resolve())
  const startMs = performance.now()
  await slow.stop()
  await promise
  return performance.now() - startMs
}

// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))
const flooded = await flood(JSON.parse(process.argv[2] ?? '{}'))
process.send?.(flooded, undefined, {}, () => process.exit(0))
