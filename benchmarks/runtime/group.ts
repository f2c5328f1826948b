import type { Group } from '@brume/actors/quorum'
import { createPeer, type Peer, type Ref, verifyProof } from '@brume/peer'
import { monotonicMs, until } from '../harness/clock.ts'
import type counter from './counter.machine.ts'
import { Liar } from './liar.ts'
import { type Row, row, timed } from './result.ts'

const MEMBERS = 4
const CLIENTS = 16
const COUNTER = new URL('counter.machine.ts', import.meta.url)
/** V8 has compiled most by then, whichever group comes first. */
const WARM_UP_S = 3
/** What follows at once upon a death is `bench recovery`'s to tell: here it is how the others go on. */
const SETTLE_S = 3
const JOINED_MS = 60_000
/** Each of its own state, so that none is checked twice. */
const PROOFS = 50
const PROOF_P50_US_BAR = 2_000

/** What becomes of the last of the members once the group has formed. */
const COMPANIES = {
  bft: 'all four are honest',
  'bft.silent': 'one of the four is stopped',
  'bft.mute': 'one of the four stays connected and sends nothing',
  'bft.equivocating': 'one of the four proposes two blocks whenever it leads'
} as const
type Company = keyof typeof COMPANIES

/** A counter replicated by four peers of this process over loopback, used by a fifth that is no member. */
export async function benchGroup(seconds: number): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const company of Object.keys(COMPANIES) as Company[]) rows.push(...(await benchCompany(company, seconds)))
  return rows
}

async function benchCompany(company: Company, seconds: number): Promise<readonly Row[]> {
  const liar = new Liar()
  const up = (more: Parameters<typeof createPeer>[0] = {}) =>
    createPeer({ profile: 'local', store: 'memory', mdns: false, logLevel: 'error', ...more })
  const honest = await Promise.all(Array.from({ length: MEMBERS }, () => up()))
  const last = await up({ ports: liar.ports })
  const [first, second, third, client] = honest as [Peer, Peer, Peer, Peer]
  const members = [first, second, third, last]
  try {
    for (const peer of [second, third, client, last]) await peer.dial(first.addresses)
    const options = { name: 'counter', version: 1, samples: { add: [{ by: 1 }], get: [{}] } }
    const [logic] = await Promise.all(members.map((peer) => peer.register<typeof counter>(COUNTER, options)))
    if (logic === undefined) throw new Error('no member')
    const quorum = { members: members.map(({ id }) => id), deltaMs: 50 }
    const { address } = await first.spawn(logic, { id: 'bench', mode: 'bft', quorum })
    const ref = client.ref<typeof counter>(address)
    await ref.submit({ type: 'add', by: 0 })
    await until('the last member has the group', JOINED_MS, () => last.groups().length > 0)
    const add = (by: number) => () => ref.submit({ type: 'add', by })
    await closedLoop(1, WARM_UP_S, add(0))
    await befall(company, last, liar)
    // Two blocks at once are proof, and their proposer loses its place within a second or two: that is measured.
    if (company === 'bft.silent' || company === 'bft.mute') await closedLoop(1, SETTLE_S, add(0))
    const final = await closedLoop(1, seconds / 3, add(1))
    const attested = await closedLoop(1, seconds / 3, () => ref.ask({ type: 'get' }))
    const busy = await closedLoop(CLIENTS, seconds / 3, add(1))
    const { context } = await ref.snapshot({ read: 'certified' })
    if (context.n !== final.done + busy.done) throw new Error(`${context.n} is not what was added`)
    const proofs = company === 'bft' ? [await benchProofs(ref)] : []
    const note = [COMPANIES[company], ...misdeeds(liar, first.groups()[0])].join('; ')
    return [
      { ...row(`${company}.submit, final, one at a time`, final.opsPerS), ...final.times, note },
      { ...row(`${company}.ask, attested, one at a time`, attested.opsPerS), ...attested.times },
      { ...row(`${company}.submit, final, ${CLIENTS} at once`, busy.opsPerS), ...busy.times },
      ...proofs
    ]
  } finally {
    for (const peer of [last, ...honest.reverse()]) await peer.stop()
  }
}

async function benchProofs(ref: Ref<typeof counter>): Promise<Row> {
  const timesMs: number[] = []
  for (let n = 0; n < PROOFS; n++) {
    await ref.submit({ type: 'add', by: 1 })
    const { proof } = await ref.snapshot({ read: 'certified' })
    const startMs = monotonicMs()
    verifyProof(proof, ref.address)
    timesMs.push(monotonicMs() - startMs)
  }
  const found = timed(timesMs)
  return {
    ...row('bft.verifyProof, offline', found.opsPerS),
    ...found,
    bar: `p50 <= ${PROOF_P50_US_BAR} us`,
    verdict: found.p50Us <= PROOF_P50_US_BAR ? 'pass' : 'fail'
  }
}

async function befall(company: Company, peer: Peer, liar: Liar): Promise<void> {
  const [group] = peer.groups()
  if (company === 'bft.silent') await peer.stop()
  else if (company !== 'bft' && group !== undefined) liar.begin(group, company === 'bft.mute' ? 'silent' : 'equivocate')
}

/** What a liar has done by the end, and whether it is a member still: who is proven to lie loses its place. */
function misdeeds(liar: Liar, group: Group | undefined): readonly string[] {
  if (liar.misdeeds === 0 || group === undefined) return []
  const { epoch, members } = group.status()
  return [`${liar.misdeeds} misdeeds, and ${members.length} members in epoch ${epoch} in the end`]
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
