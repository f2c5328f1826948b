import type { Cancel, Log, PeerId } from '@brume/ports'
import type { PeerState } from './life.ts'
import type { HostReport } from './report.ts'

/** What a peer tells those who watch it; every notice is plain JSON. */
export type PeerNotice =
  | { readonly event: 'peer.state'; readonly state: PeerState }
  | { readonly event: 'peer.failed'; readonly code: string; readonly message: string }
  /** A member is connected; `host` is what its machine claims to be. */
  | { readonly event: 'peer.joined'; readonly peer: PeerId; readonly host: HostReport; readonly connected: number }
  /** A member is no longer connected. */
  | { readonly event: 'peer.left'; readonly peer: PeerId; readonly connected: number }
  | {
      readonly event: 'group.state'
      readonly group: string
      readonly state: string
      readonly reason: string | null
      readonly height: number
    }

/** Those who watch one peer. One that throws does not keep the others from hearing. */
export interface Notices {
  tell(notice: PeerNotice): void
  listen(listener: (notice: PeerNotice) => void): Cancel
}

export function createNotices(log: Log): Notices {
  const listeners = new Set<(notice: PeerNotice) => void>()
  return {
    tell(notice) {
      for (const listener of [...listeners]) {
        try {
          listener(notice)
        } catch (error) {
          log.error({ error, event: notice.event }, 'a watcher of the peer failed')
        }
      }
    },
    listen(listener) {
      // Wrapped, so that one function given twice is two watchers.
      const own = (notice: PeerNotice): void => listener(notice)
      listeners.add(own)
      return () => void listeners.delete(own)
    }
  }
}
