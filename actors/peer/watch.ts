import type { MemberView } from '@brume/actors/membership'
import type { Group, GroupEvent } from '@brume/actors/quorum'
import type { PeerId } from '@brume/ports'
import type { PeerNotice } from './events.ts'
import { reportHost } from './report.ts'

type Tell = (notice: PeerNotice) => void

/** Tells of every member that was connected since the last look, and of every one that no longer is. */
export function memberWatch(members: () => readonly MemberView[], tell: Tell): () => void {
  let known: ReadonlySet<PeerId> = new Set()
  return () => {
    const connected = new Map(members().flatMap((member) => (member.connected ? [[member.peer, member] as const] : [])))
    const before = known
    known = new Set(connected.keys())
    for (const [peer, { host }] of connected) {
      if (!before.has(peer)) tell({ event: 'peer.joined', peer, host: reportHost(host), connected: known.size })
    }
    for (const peer of before) if (!known.has(peer)) tell({ event: 'peer.left', peer, connected: known.size })
  }
}

/** Tells of each new state of a group; blocks come too fast for people. */
export function groupWatch(group: Pick<Group, 'id' | 'status'>, tell: Tell): (event: GroupEvent) => void {
  return (event) => {
    if (event.type !== 'state') return
    const { state, reason } = event
    tell({ event: 'group.state', group: group.id, state, reason, height: group.status().height })
  }
}
