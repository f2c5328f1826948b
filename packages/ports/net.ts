import type { Cancel } from './clock.ts'

/** A libp2p peer id in its base58btc text form: `12D3KooW...`. */
export type PeerId = string

/**
 * Which queue a frame waits in, and what happens when that queue is full. `control` (votes,
 * membership): the stream is aborted, for the protocol repairs what it lost. `data`: `send`
 * answers `full` and the caller waits. `bulk`: as data, by bytes only.
 */
export type FrameClass = 'control' | 'data' | 'bulk'

export type SendResult = 'queued' | 'full' | 'unreachable'

/** What a peer's connection looks like from here. Times in milliseconds. */
export interface Link {
  readonly peer: PeerId
  readonly direction: 'inbound' | 'outbound'
  /** The address in use. */
  readonly address: string
  /** Monotonic time at which the link came up. */
  readonly sinceMs: number
  /** Smoothed round trip (EWMA 1/8), and the least of five minutes; undefined before the first echo. */
  readonly rttMs: number | undefined
  readonly rttMinMs: number | undefined
  /** The peer's own event-loop lag as it reported it. */
  readonly lagMs: number
  readonly slow: boolean
}

export type LinkEvent =
  | { readonly type: 'link.up'; readonly peer: PeerId }
  | { readonly type: 'link.down'; readonly peer: PeerId }
  | { readonly type: 'link.slow'; readonly peer: PeerId; readonly slow: boolean }

/** A protocol of long-lived one-way streams: each side opens one and only sends on it. */
export interface ChannelProtocol {
  /** Wire id, `/brume/<name>/1.0.0`. */
  readonly id: string
  readonly class: FrameClass
  /** Largest body of a frame; a longer one ends the stream and is counted. */
  readonly frameBytesMax: number
}

export interface ChannelHandler {
  /** A frame arrived. Bytes are the receiver's to keep. Must not throw; a throw aborts the stream. */
  frame(from: PeerId, body: Uint8Array): void
  /** Called after the last frame of one batch (at most 64 frames), so that effects can be pooled. */
  flush?(): void
  /** The own outgoing stream to this peer opened (again), or closed. */
  opened?(peer: PeerId): void
  closed?(peer: PeerId): void
}

export interface Channel {
  /** Opens, and keeps open while the peer is connected, a stream to each of these peers and to no other. */
  connect(peers: Iterable<PeerId>): void
  /**
   * Queues one frame. Frames written in one turn of the event loop leave in one write.
   * `unreachable`: no stream is open; the frame is dropped.
   */
  send(peer: PeerId, body: Uint8Array): SendResult
  /** Is the own outgoing stream open? */
  isOpen(peer: PeerId): boolean
  close(): void
}

/** One request and one answer on a stream of their own. */
export interface RequestProtocol {
  readonly id: string
  readonly requestBytesMax: number
  readonly answerBytesMax: number
}

/** What a topic's handler says of a message: relay it, drop it, or blame the peer that sent it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

export interface Topic {
  /**
   * Sends to the mesh. The same bytes published twice within 120 s vanish (message ids are hashes), so
   * a payload that is to be repeated carries a counter. Rejects with `NetError` above 32 KiB.
   */
  publish(data: Uint8Array, options?: { readonly flood?: boolean }): Promise<{ readonly recipients: number }>
  /** Connected peers that subscribe. */
  subscribers(): readonly PeerId[]
  leave(): void
}

/** Keeps one peer connected. Priorities order pruning: higher stays longer. */
export interface Wanted {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  readonly priority: 'committee' | 'member' | 'bootstrap' | 'discovered'
}

/**
 * The network as an actor sees it: connected peers, streams with backpressure, requests, topics.
 * Bad input never throws into an actor; failures are `NetError` with code `BRUME_NET_*`.
 */
export interface Net {
  readonly self: PeerId
  /** Own dialable addresses, as announced. */
  addresses(): readonly string[]
  links(): readonly Link[]
  onLink(listener: (event: LinkEvent) => void): Cancel
  /** Replaces the set of peers the redial loop keeps connected, discovered ones aside. */
  want(peers: readonly Wanted[]): void
  /** Closes all connections to the peer; with `banMs` refuses new ones for that long. */
  drop(peer: PeerId, options?: { readonly banMs?: number }): void
  channel(protocol: ChannelProtocol, handler: ChannelHandler): Channel
  /** Answers requests. A rejected or thrown answer aborts the stream; at most 16 run per peer. */
  serve(protocol: RequestProtocol, answer: (from: PeerId, body: Uint8Array) => Promise<Uint8Array> | Uint8Array): Cancel
  /** Rejects with `NetError`: unreachable, timeout, frame too large, stream closed. */
  request(
    peer: PeerId,
    protocol: RequestProtocol,
    body: Uint8Array,
    options: { readonly timeoutMs: number }
  ): Promise<Uint8Array>
  /** Subscribes; `judge` consumes and judges each message, synchronously, in under 5 ms. */
  topic(name: string, judge: (from: PeerId, data: Uint8Array) => Verdict): Topic
}
