import type { PeerId, Wanted } from '@brume/ports'
import { FULL_MESH_BACK, FULL_MESH_MAX, SPARSE_DEGREE } from '../limits.ts'
import { emit, type MembershipState, patch, type Turn } from './state.ts'
import { counts, type Entry, isRedialed } from './table.ts'

/** Tells net whom to keep connected, when that has changed. One pass over the table. */
export function refreshWanted(turn: Turn): void {
  const { state } = turn
  const { candidates, counted } = survey(state)
  const fullMesh = state.fullMesh ? counted <= FULL_MESH_MAX : counted <= FULL_MESH_BACK
  const peers = choose(state, fullMesh ? candidates : sparse(state, candidates))
  const wantedKey = peers.map(({ peer, addresses, priority }) => `${peer} ${priority} ${addresses.join()}`).join('\n')
  if (fullMesh === state.fullMesh && wantedKey === state.wantedKey) return
  patch(turn, { fullMesh, wantedKey })
  emit(turn, { type: 'want', peers })
}

/** Who may be dialed at all, and how many members count, this peer included. */
function survey({ table, config, epoch }: MembershipState): { candidates: readonly Entry[]; counted: number } {
  const candidates: Entry[] = []
  let counted = 1
  for (const entry of table.values()) {
    if (entry.peer === config.self) continue
    if (isRedialed(entry, epoch)) candidates.push(entry)
    if (counts(entry, epoch)) counted++
  }
  return { candidates, counted }
}

/** Bootstrap and pinned peers always, beside the chosen members. */
function choose(state: MembershipState, chosen: readonly Entry[]): readonly Wanted[] {
  const wanted = new Map<PeerId, Wanted>(chosen.map((entry) => [entry.peer, wantedOf(state, entry)]))
  for (const peer of state.config.bootstrap) wanted.set(peer.peer, { ...peer, priority: 'bootstrap' })
  for (const peer of [...state.pins.values()].flat()) {
    const addresses = state.table.get(peer)?.record.body.addresses ?? wanted.get(peer)?.addresses ?? []
    if (peer !== state.config.self) wanted.set(peer, { peer, addresses, priority: 'committee' })
  }
  return [...wanted.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1))
}

/** Twelve members by a keyed hash: nobody can place itself there, and twelve random edges keep a graph in one piece. */
function sparse(state: MembershipState, candidates: readonly Entry[]): readonly Entry[] {
  const first: Entry[] = []
  for (const entry of candidates) {
    const last = first.at(-1)
    const full = first.length >= SPARSE_DEGREE
    if (!counts(entry, state.epoch) || (full && last !== undefined && last.rank < entry.rank)) continue
    if (full) first.pop()
    first.push(entry)
    first.sort((a, b) => (a.rank < b.rank ? -1 : 1))
  }
  return first
}

function wantedOf(state: MembershipState, entry: Entry): Wanted {
  return {
    peer: entry.peer,
    addresses: entry.record.body.addresses,
    priority: counts(entry, state.epoch) ? 'member' : 'discovered'
  }
}
