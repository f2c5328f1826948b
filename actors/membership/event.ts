import type { PeerId } from '@brume/ports'
import {
  type Digest,
  decodeAnnouncement,
  decodeMessage,
  type Hello,
  type Records,
  type Summaries,
  type Want
} from '@brume/protocols/membership'
import type { TimerName } from './effect.ts'
import type { Local } from './rules/state.ts'

/** When an event happened: monotonic for distances, wall for the epoch. */
export interface Instant {
  readonly nowMs: number
  readonly wallMs: number
}

export type WireEvent =
  | { readonly type: 'hello.received'; readonly from: PeerId; readonly hello: Hello }
  | { readonly type: 'digest.received'; readonly from: PeerId; readonly digest: Digest }
  | { readonly type: 'summaries.received'; readonly from: PeerId; readonly summaries: Summaries }
  | { readonly type: 'want.received'; readonly from: PeerId; readonly want: Want }
  | { readonly type: 'records.received'; readonly from: PeerId; readonly records: Records }
  | { readonly type: 'frame.malformed'; readonly from: PeerId; readonly reason: string }

export type GossipEvent =
  | { readonly type: 'record.received'; readonly from: PeerId; readonly record: Uint8Array }
  | { readonly type: 'gossip.unknown'; readonly from: PeerId }
  | { readonly type: 'gossip.malformed'; readonly from: PeerId; readonly reason: string }

export type MembershipEvent =
  | WireEvent
  | GossipEvent
  | { readonly type: 'opened' }
  | { readonly type: 'link.up'; readonly peer: PeerId }
  | { readonly type: 'link.down'; readonly peer: PeerId }
  | { readonly type: 'channel.opened'; readonly peer: PeerId }
  | { readonly type: 'journal.synced'; readonly seq: number }
  | { readonly type: 'journal.failed'; readonly detail: string }
  | { readonly type: 'timer.fired'; readonly timer: TimerName }
  | { readonly type: 'local.changed'; readonly local: Partial<Local> }
  | { readonly type: 'pins.changed'; readonly owner: string; readonly peers: readonly PeerId[] }
  | { readonly type: 'leave' }

/** The event that a frame of the channel stands for. Never throws. */
export function fromFrame(from: PeerId, body: Uint8Array): WireEvent {
  try {
    const message = decodeMessage(body)
    switch (message.type) {
      case 'hello':
        return { type: 'hello.received', from, hello: message }
      case 'digest':
        return { type: 'digest.received', from, digest: message }
      case 'summaries':
        return { type: 'summaries.received', from, summaries: message }
      case 'want':
        return { type: 'want.received', from, want: message }
      case 'records':
        return { type: 'records.received', from, records: message }
    }
  } catch (error) {
    return { type: 'frame.malformed', from, reason: reasonOf(error) }
  }
}

/** The event that a gossip message stands for. Never throws. */
export function fromGossip(from: PeerId, data: Uint8Array): GossipEvent {
  try {
    const announcement = decodeAnnouncement(data)
    if (announcement.type === 'other') return { type: 'gossip.unknown', from }
    return { type: 'record.received', from, record: announcement.record }
  } catch (error) {
    return { type: 'gossip.malformed', from, reason: reasonOf(error) }
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
