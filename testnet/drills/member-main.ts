/**
 * One member of a drill, a process of its own: `node member-main.ts <MemberConfig as JSON>`. Says where it is, dials where it
 * is told to, and ends when whoever started it does.
 */
import type { Group } from '@brume/actors/quorum'
import { peerIdFromKey } from '@brume/crypto'
import { createPeer, type Peer } from '@brume/peer'
import { misbehaviourOf } from '../peer/byzantine/of-peer.ts'
import { forgeSends } from './forged-sends.ts'
import { lyingExecutor } from './lying-executor.ts'
import type teller from './teller.machine.ts'

/** How a member breaks the rules, all of it from its start on. */
export interface Character {
  /** Its machine says and signs something else than the others'. */
  readonly lies?: boolean
  /** What it hands on of the group is not what the group has said. */
  readonly forges?: boolean
  /** What it does as a voter, see BEHAVIOURS; only where its group is in its data folder already. */
  readonly votes?: 'silent' | 'equivocate'
}

export interface MemberConfig {
  readonly dataDir: string
  readonly network: string
  readonly character: Character
}

export interface MemberOrder {
  readonly dial?: readonly string[]
  readonly report?: true
}

/** What a member has seen since its start. */
export interface MemberReport {
  /** Statements of other members that are not its own. */
  readonly contrary: number
  /** Peer ids that it holds proofs of. */
  readonly accused: readonly string[]
  /** What it has done against the rules as a voter and a messenger. */
  readonly misdeeds: number
}

export interface MemberAnswer {
  readonly up?: { readonly id: string; readonly addresses: readonly string[] }
  readonly report?: MemberReport
}

const { dataDir, network, character }: MemberConfig = JSON.parse(process.argv[2] ?? '{}')
const say = (answer: MemberAnswer): void => void process.send?.(answer, undefined, {}, () => undefined)
const behaviour = character.votes ? { behaviour: character.votes, clients: [], delayMs: 0 } : null
const misbehaviour = behaviour === null ? undefined : misbehaviourOf({ dataDir, networkName: network, behaviour })
let forged = 0
let isUp: Peer | undefined
// Whoever started it is gone, or wants it to end; it may still be starting.
process.on('disconnect', () => void (isUp?.stop() ?? Promise.resolve()).then(() => process.exit(0)))
const peer = await createPeer({
  ...{ dataDir, network, profile: 'local', mdns: false, logLevel: 'error' },
  ports: {
    ...(character.lies && { executor: lyingExecutor }),
    wrapNet: (net) => {
      const honest = misbehaviour?.wrap(net) ?? net
      return character.forges ? forgeSends(honest, () => forged++) : honest
    }
  }
})
const url = new URL('teller.machine.ts', import.meta.url)
const sampleInput = { ear: `brume://${peer.id}/ear` }
await peer.register<typeof teller>(url, { name: 'teller', version: 1, sampleInput, samples: { add: [{ by: 1 }] } })
const heard = new Set<Group>()
const accused = new Set<string>()

/** The group comes when it is founded, or with the machine after a restart. */
function hear(): void {
  for (const group of peer.groups()) {
    if (heard.has(group)) continue
    heard.add(group)
    group.onEvent((event) => {
      // By its key: when the proof is on disk, a committee without the liar may have begun.
      if (event.type === 'warrant') accused.add(peerIdFromKey(event.key))
    })
  }
}

async function report(): Promise<MemberReport> {
  const dropped = await peer.registry.getSingleMetric('brume_quorum_dropped_total')?.get()
  const contrary = (dropped?.values ?? []).filter(({ labels }) => labels.cause === 'statement')
  const misdeeds = forged + (misbehaviour?.count ?? 0)
  return { contrary: contrary.reduce((sum, { value }) => sum + value, 0), accused: [...accused], misdeeds }
}

process.on('message', async ({ dial, report: isAsked }: MemberOrder) => {
  hear()
  // One that is down itself is dialled again by whoever starts later.
  if (dial !== undefined) peer.dial(dial).catch(() => undefined)
  if (isAsked) say({ report: await report() })
})
isUp = peer
say({ up: { id: peer.id, addresses: peer.addresses } })
