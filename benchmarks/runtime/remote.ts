import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { toHex } from '@brume/codec'
import type { Channel } from '@brume/ports'
import { systemRandom } from '@brume/ports/system'
import { RuntimeError } from '@brume/runtime'
import { monotonicMs, until } from '../harness/clock.ts'
import { BenchError } from '../harness/errors.ts'
import { median } from '../harness/statistics.ts'
import { type Row, row, timed } from './result.ts'
import { BARE, EVENTS, type Side, startSide } from './wire.ts'

const FAR_MAIN = fileURLToPath(new URL('far-main.ts', import.meta.url))
const CONNECT_MS = 30_000
const ECHOES = 2_000
const PER_FRAME = 64
const RUN = 32_768
/** Then what was told may leave. */
const PER_TURN = 1_024
/** A tell's share of a frame: header, and the event in canonical CBOR. */
const MESSAGE_BYTES = 42
const ADD = { type: 'add', by: 1 } as const
const ASK_BAR = 1.5
const TELL_BAR = { perS: 150_000, ratio: 0.35 }

interface Far {
  readonly process: ChildProcess
  readonly peer: string
  readonly addresses: readonly string[]
}

/** Two processes: asks beside echoes of a bare frame, tells beside bare frames of as many bytes, over one connection. */
export async function benchRemote(seconds: number): Promise<readonly Row[]> {
  const networkId = systemRandom().bytes(32)
  const near = await startSide(networkId)
  const far = await startFar(networkId)
  try {
    let echoed = 0
    const channel = near.net.channel(BARE, {
      frame: () => {
        echoed += 1
      }
    })
    await near.net.start()
    near.net.want([{ peer: far.peer, addresses: far.addresses, priority: 'member' }])
    channel.connect([far.peer])
    await until('a stream to the far end', CONNECT_MS, () => channel.isOpen(far.peer))
    const to = `brume://${far.peer}/bench`
    const returned = () => echoed
    return [
      await asks({ near, channel, far, to, returned }),
      ...(await tells({ near, channel, far, to, returned }, seconds))
    ]
  } finally {
    await near.stop()
    far.process.stdin?.end()
    await once(far.process, 'exit')
  }
}

async function startFar(networkId: Uint8Array): Promise<Far> {
  const child = spawn(process.execPath, [FAR_MAIN, toHex(networkId)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { process: child, ...(JSON.parse(line) as Omit<Far, 'process'>) }
}

interface Lines {
  readonly near: Side
  readonly channel: Channel
  readonly far: Far
  readonly to: string
  readonly returned: () => number
}

async function asks({ near, channel, far, to, returned }: Lines): Promise<Row> {
  const [asked, echoes]: [number[], number[]] = [[], []]
  for (let i = 0; i < ECHOES; i++) {
    const askMs = monotonicMs()
    await near.kernel.ask(to, { type: 'get' })
    asked.push(monotonicMs() - askMs)
    const before = returned()
    const echoMs = monotonicMs()
    send(channel, far.peer, Uint8Array.of(1, ...new Uint8Array(MESSAGE_BYTES - 1)))
    await turnsUntil(() => returned() > before)
    echoes.push(monotonicMs() - echoMs)
  }
  const found = timed(asked.slice(ECHOES / 5))
  const bare = timed(echoes.slice(ECHOES / 5))
  const ratio = found.p50Us / bare.p50Us
  return {
    ...row('remote ask, two processes', found.opsPerS),
    ...found,
    against: `echo of a bare frame, p50 ${Math.round(bare.p50Us)} us`,
    ratio,
    bar: `<= ${ASK_BAR}`,
    verdict: ratio <= ASK_BAR ? 'pass' : 'fail'
  }
}

async function tells(lines: Lines, seconds: number): Promise<readonly Row[]> {
  const rates: { readonly [side in 'tells' | 'bare' | 'byHand']: number[] } = { tells: [], bare: [], byHand: [] }
  const endMs = monotonicMs() + seconds * 1_000
  const bare = new Uint8Array(PER_FRAME * MESSAGE_BYTES)
  for (let round = 1; monotonicMs() < endMs || rates.bare.length < 3; round++) {
    rates.tells.push(await perMs(() => tellRun(lines, round * RUN)))
    rates.bare.push(await perMs(() => frameRun(lines, () => bare)))
    rates.byHand.push(await perMs(() => frameRun(lines, eventsFrame)))
  }
  const perS = (side: readonly number[]): number => median(side) * 1_000
  const [told, bareRate, byHand] = [perS(rates.tells), perS(rates.bare), perS(rates.byHand)] as const
  const passes = told >= TELL_BAR.perS && told / bareRate >= TELL_BAR.ratio
  const name = 'remote tell, two processes, processed'
  return [
    {
      ...row(name, told),
      against: `bare frames of ${PER_FRAME}, ${Math.round(bareRate)}/s`,
      ratio: told / bareRate,
      bar: `>= ${TELL_BAR.perS}/s and ${TELL_BAR.ratio}`,
      verdict: passes ? 'pass' : 'fail',
      note: 'nobody looks into bare frames; the second floor is what XState alone makes of the same events'
    },
    {
      ...row(name, told),
      against: `frames of ${PER_FRAME} events in JSON for XState's send, ${Math.round(byHand)}/s`,
      ratio: told / byHand
    }
  ]
}

async function perMs(run: () => Promise<void>): Promise<number> {
  const startMs = monotonicMs()
  await run()
  return RUN / (monotonicMs() - startMs)
}

async function tellRun({ near, to }: Lines, sum: number): Promise<void> {
  for (let i = 0; i < RUN; i++) {
    // The queue is full of what the other side needs 100 ms for: asking more often would only take its CPU.
    while (near.kernel.tell(to, ADD) !== 'accepted') await pause()
    if (i % PER_TURN === 0) await turn()
  }
  // Answered after all that was told before it: then all has been processed there.
  const n = await answer(near, to)
  if (n !== sum) throw new BenchError('BRUME_BENCH_DEADLINE', `${sum} were told, ${String(n)} arrived`)
}

async function frameRun({ channel, far, returned }: Lines, frame: () => Uint8Array): Promise<void> {
  for (let i = 0; i < RUN / PER_FRAME; i++) {
    const body = frame()
    while (channel.send(far.peer, body) !== 'queued') await turn()
  }
  const before = returned()
  while (channel.send(far.peer, Uint8Array.of(1)) !== 'queued') await turn()
  await turnsUntil(() => returned() > before)
}

/** What one would write without any of this: no acks, no mailbox, no checks. */
function eventsFrame(): Uint8Array {
  const text = JSON.stringify(Array.from({ length: PER_FRAME }, () => ADD))
  return Buffer.concat([Buffer.of(EVENTS), Buffer.from(text)])
}

/** Asks as soon as the queue takes it. */
async function answer({ kernel }: Side, to: string): Promise<unknown> {
  for (;;) {
    try {
      return await kernel.ask(to, { type: 'get' }, { timeoutMs: CONNECT_MS })
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'BRUME_RUNTIME_FULL') throw error
      await pause()
    }
  }
}

function send(channel: Channel, peer: string, body: Uint8Array): void {
  const result = channel.send(peer, body)
  if (result !== 'queued') throw new BenchError('BRUME_BENCH_DEADLINE', `a bare frame was not sent: ${result}`)
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function turnsUntil(condition: () => boolean): Promise<void> {
  const endMs = monotonicMs() + CONNECT_MS
  while (!condition()) {
    if (monotonicMs() > endMs) throw new BenchError('BRUME_BENCH_DEADLINE', 'the far end is silent')
    await turn()
  }
}
