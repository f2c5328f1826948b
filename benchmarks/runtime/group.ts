import { createPeer, type Peer } from '@brume/peer'
import { monotonicMs } from '../harness/clock.ts'
import type counter from './counter.machine.ts'
import { type Row, row, timed } from './result.ts'

const MEMBERS = 4
const CLIENTS = 16
const COUNTER = new URL('counter.machine.ts', import.meta.url)

/** A counter replicated by four peers of this process over loopback, used by a fifth that is no member. */
export async function benchGroup(seconds: number): Promise<readonly Row[]> {
  const up = () => createPeer({ profile: 'local', store: 'memory', mdns: false, logLevel: 'error' })
  const peers = await Promise.all(Array.from({ length: MEMBERS + 1 }, up))
  const [first, ...rest] = peers as [Peer, ...Peer[]]
  const members = peers.slice(0, MEMBERS)
  try {
    for (const peer of rest) await peer.dial(first.addresses)
    const options = { name: 'counter', version: 1, samples: { add: [{ by: 1 }], get: [{}] } }
    const [logic] = await Promise.all(members.map((peer) => peer.register<typeof counter>(COUNTER, options)))
    if (logic === undefined) throw new Error('no member')
    const quorum = { members: members.map(({ id }) => id), deltaMs: 50 }
    const { address } = await first.spawn(logic, { id: 'bench', mode: 'bft', quorum })
    const ref = (rest.at(-1) as Peer).ref<typeof counter>(address)
    await ref.submit({ type: 'add', by: 0 })
    const final = await closedLoop(1, seconds / 3, () => ref.submit({ type: 'add', by: 1 }))
    const attested = await closedLoop(1, seconds / 3, () => ref.ask({ type: 'get' }))
    const busy = await closedLoop(CLIENTS, seconds / 3, () => ref.submit({ type: 'add', by: 1 }))
    const { context } = await ref.snapshot({ read: 'certified' })
    if (context.n !== final.done + busy.done) throw new Error(`${context.n} is not what was added`)
    return [
      { ...row('replicated by 4, submit, one at a time', final.opsPerS), ...final.times },
      { ...row('replicated by 4, ask with proof, one at a time', attested.opsPerS), ...attested.times },
      { ...row(`replicated by 4, submit, ${CLIENTS} at once`, busy.opsPerS), ...busy.times }
    ]
  } finally {
    for (const peer of peers.reverse()) await peer.stop()
  }
}

async function closedLoop(clients: number, seconds: number, run: () => Promise<unknown>) {
  const timesMs: number[] = []
  const startMs = monotonicMs()
  const endMs = startMs + seconds * 1_000
  const client = async (): Promise<void> => {
    while (monotonicMs() < endMs) {
      const sentMs = monotonicMs()
      await run()
      timesMs.push(monotonicMs() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const opsPerS = (timesMs.length / (monotonicMs() - startMs)) * 1_000
  const { p50Us, p99Us } = timed(timesMs)
  return { opsPerS, done: timesMs.length, times: { p50Us, p99Us } }
}
