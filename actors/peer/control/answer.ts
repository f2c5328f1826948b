import type { Peer } from '../peer.ts'
import { reportMember } from '../report.ts'
import type { Request } from './messages.ts'

/** What the peer answers on its control socket; plain JSON. */
export function answer(request: Exclude<Request, 'events'>, peer: Peer): unknown {
  switch (request) {
    case 'id':
      return { id: peer.id }
    case 'status':
      return peer.status()
    case 'peers':
      return { peers: peer.members().map(reportMember) }
  }
}
