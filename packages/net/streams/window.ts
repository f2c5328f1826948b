import type { Stream } from '@libp2p/interface'

/** What a stream of @libp2p/yamux has besides: its receive window, what is left of it, and what opens it again. */
interface Windowed {
  readonly state: number
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** Of yamux's `StreamState`: both sides know of the stream, and this one has not paused it. */
const ESTABLISHED = 3

/** The share of its window a sender may use up before it is told that there is room again: as Go's yamux has it. */
const USED_MIN = 1 / 2

/**
 * yamux answers every frame of data by one that opens the window again by as much: for votes of 150 bytes that
 * doubles the frames, and with them writes, ciphers and wake-ups on both sides. From here on this stream opens
 * its window when half of it is used.
 */
export function openSeldom(stream: Stream): void {
  const yamux = stream as Stream & Partial<Windowed>
  const open = yamux.sendWindowUpdate
  if (open === undefined) return
  yamux.sendWindowUpdate = () => {
    const { state, recvWindow = 0, recvWindowCapacity = 0 } = yamux
    if (state !== ESTABLISHED || recvWindowCapacity <= recvWindow * (1 - USED_MIN)) open.call(yamux)
  }
}
